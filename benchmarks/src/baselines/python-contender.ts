import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Csr } from '@nnz/core'
import type { Contender } from '../records/index.ts'
import type { Baseline, Prepared } from '../runner/contender.ts'
import type { Inputs, Task } from '../runner/task.ts'
import { type Python, startPython } from './python-process.ts'

/** A library for Python, by its name in the script. */
export interface Library {
  readonly name: string
  readonly method: Contender['method']
  readonly threaded: boolean
}

/** What a library of the script is told of a task. */
export interface PythonProblem {
  readonly sizes: Readonly<Record<string, number | boolean>>
  readonly arrays: Readonly<Record<string, Float32Array | Int32Array | Uint8Array>> | undefined
  /** Shapes of arrays that are no lists. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>
  /** The shape of each input. */
  readonly inputs: readonly (readonly number[])[]
}

let shared: Python | undefined

/** One process for all that runs in Python: `NNZ_PYTHON`, by default `python3`. */
function usualPython(): Python {
  shared ??= startPython(process.env.NNZ_PYTHON || 'python3')
  return shared
}

/** A library that runs in Python, on the tasks of an operation. */
export function pythonBaseline<T extends Task>(
  library: Library,
  problemOf: (task: T) => PythonProblem,
  python: () => Python = usualPython,
): Baseline<T> {
  return {
    name: library.name,
    placeholder: contender(library, null, 1),
    async open(threads) {
      const version = await python().ask<string>({ action: 'version', library: library.name })
      return threads
        .filter((count) => library.threaded || count === 1)
        .map((count) => ({
          contender: contender(library, version, count),
          supports: () => true,
          prepare: (task) => prepare(problemOf(task), python(), library.name, count),
        }))
    },
  }
}

function contender({ name, method }: Library, version: string | null, threads: number): Contender {
  return { type: 'baseline', name, class: 'native', method, version, settings: {}, threads, dtype: 'f32' }
}

let prepared = 0

const DTYPES = { Float32Array: '<f4', Int32Array: '<i4', Uint8Array: '<u1' } as const

async function prepare(
  { sizes, arrays, shapes, inputs }: PythonProblem,
  python: Python,
  library: string,
  threads: number,
): Promise<Prepared> {
  const key = `problem-${++prepared}`
  const path = (part: string) => join(python.folder, `${key}.${part}`)
  const write = (part: string, data: Float32Array | Int32Array | Uint8Array, shape: readonly number[]) => {
    writeFileSync(path(part), new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    return { path: path(part), dtype: DTYPES[data.constructor.name as keyof typeof DTYPES], shape }
  }
  const files = Object.entries(arrays ?? {}).map(([name, data]) => [
    name,
    write(name, data, shapes?.[name] ?? [data.length]),
  ])
  const planning = await python.ask<number>({
    action: 'prepare',
    key,
    library,
    problem: sizes,
    arrays: Object.fromEntries(files),
  })
  const sample = (milliseconds: number) =>
    python.ask<number[]>({ action: 'run', key, threads, milliseconds, y: path('y') })
  return {
    planning,
    packedBytes: null,
    setInput: (given: Inputs) =>
      python.ask<void>({
        action: 'input',
        key,
        inputs: given.map((data, i) => write(`input${i}`, data, inputs[i])),
      }),
    async run() {
      await sample(0)
    },
    sample,
    output() {
      const { buffer, byteOffset, byteLength } = readFileSync(path('y'))
      return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength))
    },
    async dispose() {
      await python.ask<void>({ action: 'dispose', key })
      rmSync(path('y'), { force: true })
    },
  }
}

/** A csr matrix as the script takes it. */
export function csrArrays({ rowOffsets, columnIndices, values }: Csr): NonNullable<PythonProblem['arrays']> {
  return { offsets: Int32Array.from(rowOffsets), indices: Int32Array.from(columnIndices), values }
}
