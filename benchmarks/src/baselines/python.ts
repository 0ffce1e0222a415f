import { fileURLToPath } from 'node:url'
import type { Contender } from '../records/index.ts'
import type { Baseline, ContenderSpec } from '../runner/contender.ts'
import type { Task } from '../runner/task.ts'
import { startProcess } from './process.ts'
import { bytesOf, processContender } from './process-contender.ts'
import { csrOf } from './sparse-weights.ts'

const PROGRAM = fileURLToPath(new URL('../../python/serve.py', import.meta.url))

/** Libraries in a Python that may be there; `NNZ_PYTHON` names another than `python3`. */
export interface PythonLibrary {
  readonly name: string
  /** What `python/serve.py` calls it. */
  readonly library: string
  readonly methods: readonly { readonly name: string; readonly method: 'dense' | 'sparse' }[]
  /** Whether it uses more than one thread. */
  readonly threaded: boolean
}

/** The baseline of a Python library. Its clock is Python's own; runs take their turns among all others. */
export function pythonBaseline({ name, library, methods, threaded }: PythonLibrary): Baseline {
  return {
    name,
    placeholder: describe(methods[0], null, 1),
    async open(threads) {
      const specs: ContenderSpec[] = []
      for (const count of threaded ? threads : [1]) {
        const python = startProcess(process.env.NNZ_PYTHON ?? 'python3', [PROGRAM, library], threadSettings(count))
        const { version } = await python.request('open').catch((error: Error) => {
          throw new Error(`${error.message} (a Python that has it can be named in NNZ_PYTHON)`)
        })
        for (const each of methods) {
          specs.push(
            processContender({
              contender: describe(each, String(version), count),
              process: python,
              method: each.name,
              tokenMajor: false,
              files: each.method === 'dense' ? denseFile : sparseFiles,
            }),
          )
        }
      }
      return specs
    },
  }
}

function describe(
  { name, method }: PythonLibrary['methods'][number],
  version: string | null,
  threads: number,
): Contender {
  return { type: 'baseline', name, class: 'native', method, version, settings: {}, threads, dtype: 'f32' }
}

/** Libraries read their number of threads once, when they are loaded. */
function threadSettings(count: number): NodeJS.ProcessEnv {
  const text = String(count)
  return { OMP_NUM_THREADS: text, MKL_NUM_THREADS: text, OPENBLAS_NUM_THREADS: text }
}

function denseFile({ dense }: Task) {
  return { 'w.f32': bytesOf(dense()) }
}

function sparseFiles(task: Task) {
  const { rowOffsets, columnIndices, values } = csrOf(task)
  return {
    'offsets.i32': bytesOf(Int32Array.from(rowOffsets)),
    'columns.i32': bytesOf(Int32Array.from(columnIndices)),
    'values.f32': bytesOf(Float32Array.from(values)),
  }
}
