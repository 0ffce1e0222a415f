import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProductTask } from '../products/task.ts'
import type { Contender } from '../records/index.ts'
import type { Baseline, Prepared } from '../runner/contender.ts'
import { type Python, startPython } from './python-process.ts'

/** A library for Python, by its name in the script. */
interface Library {
  readonly name: string
  readonly method: Contender['method']
  readonly threaded: boolean
  readonly settings: Contender['settings']
}

const LIBRARIES: readonly Library[] = [
  { name: 'scipy-csr', method: 'sparse', threaded: false, settings: {} },
  { name: 'torch-dense', method: 'dense', threaded: true, settings: {} },
  { name: 'torch-csr', method: 'sparse', threaded: true, settings: {} },
  // Through its inspector-executor interface, which may arrange the weights for many products.
  { name: 'onemkl-csr', method: 'sparse', threaded: true, settings: {} },
]

/** What runs in Python: `NNZ_PYTHON`, by default `python3`. All share one process. */
export function pythonBaselines(executable = process.env.NNZ_PYTHON || 'python3'): Baseline<ProductTask>[] {
  let shared: Python | undefined
  const python = () => {
    shared ??= startPython(executable)
    return shared
  }
  return LIBRARIES.map((library) => ({
    name: library.name,
    placeholder: contender(library, null, 1),
    async open(threads) {
      const version = await python().ask<string>({ action: 'version', library: library.name })
      return threads
        .filter((count) => library.threaded || count === 1)
        .map((count) => ({
          contender: contender(library, version, count),
          supports: () => true,
          prepare: (task) => prepare(task, python(), library.name, count),
        }))
    },
  }))
}

function contender({ name, method, settings }: Library, version: string | null, threads: number): Contender {
  return { type: 'baseline', name, class: 'native', method, version, settings, threads, dtype: 'f32' }
}

let prepared = 0

async function prepare(task: ProductTask, python: Python, library: string, threads: number): Promise<Prepared> {
  const { m, k, n } = task
  const key = `product-${++prepared}`
  const path = (part: string) => join(python.folder, `${key}.${part}`)
  const write = (part: string, { buffer, byteOffset, byteLength }: NodeJS.TypedArray) => {
    writeFileSync(path(part), new Uint8Array(buffer, byteOffset, byteLength))
    return path(part)
  }
  const weights = task.csr()
  const planning = await python.ask<number>({
    ...{ action: 'prepare', key, library, m, k, n },
    offsets: write('offsets', Int32Array.from(weights.rowOffsets)),
    indices: write('indices', Int32Array.from(weights.columnIndices)),
    values: write('values', weights.values),
  })
  const sample = (milliseconds: number) =>
    python.ask<number[]>({ action: 'run', key, threads, milliseconds, y: path('y') })
  return {
    planning,
    packedBytes: null,
    setInput: ([x]) => python.ask<void>({ action: 'input', key, n, x: write('x', x) }),
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
