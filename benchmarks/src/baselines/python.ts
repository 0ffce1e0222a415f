import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { csr } from '@nnz/core'
import type { Contender } from '../records/index.ts'
import type { Baseline, ContenderSpec, Prepared } from '../runner/contender.ts'
import type { Task } from '../runner/task.ts'
import { SCRIPT } from './python-script.ts'

interface Answer {
  readonly version?: string
  /** Nanoseconds. */
  readonly planning?: number
  readonly samples?: number[]
}

/** A Python process that answers one JSON line with one JSON line; arrays go through files. */
interface Child {
  ask(request: object): Promise<Answer>
  close(): void
}

function start(threads: number): Child {
  const command = process.env.NNZ_PYTHON || 'python3'
  const count = String(threads)
  const env = { ...process.env, OMP_NUM_THREADS: count, MKL_NUM_THREADS: count, OPENBLAS_NUM_THREADS: count }
  const child: ChildProcessWithoutNullStreams = spawn(command, ['-c', SCRIPT], { env })
  // A library that writes to stderr must not fill the pipe.
  child.stderr.resume()
  const lines: Interface = createInterface({ input: child.stdout })
  const answers = lines[Symbol.asyncIterator]()
  const died = new Promise<never>((_resolve, reject) => {
    child.on('error', () => reject(new Error(`${command} cannot be started: install Python, or set NNZ_PYTHON`)))
    child.on('exit', (code) => reject(new Error(`${command} ended with code ${code}`)))
  })
  died.catch(() => {})
  return {
    async ask(request) {
      child.stdin.on('error', () => {})
      child.stdin.write(`${JSON.stringify(request)}\n`)
      const { value } = await Promise.race([answers.next(), died])
      const answer = JSON.parse(value ?? '{"error":"no answer"}') as Answer & { error?: string }
      if (answer.error) throw new Error(answer.error)
      return answer
    },
    close() {
      child.kill()
    },
  }
}

interface Library {
  readonly name: string
  readonly method: Contender['method']
  /** What must be imported, as pip calls it. */
  readonly packages: string
}

function contender({ name, method }: Library, version: string | null, threads: number): Contender {
  return {
    type: 'baseline',
    name,
    class: 'native',
    method,
    version,
    settings: { clock: 'in Python' },
    threads,
    dtype: 'f32',
  }
}

function baseline(library: Library): Baseline {
  return {
    name: library.name,
    placeholder: contender(library, null, 1),
    async open(threads) {
      const specs: ContenderSpec[] = []
      for (const count of threads) {
        const child = start(count)
        try {
          const { version } = await child.ask({ do: 'version', library: library.name })
          specs.push({
            contender: contender(library, version ?? null, count),
            supports: () => true,
            prepare: (task) => prepare(library, count, task),
          })
        } catch (error) {
          throw new Error(`${(error as Error).message} (pip install ${library.packages})`)
        } finally {
          child.close()
        }
      }
      return specs
    },
  }
}

async function prepare(library: Library, threads: number, task: Task): Promise<Prepared> {
  const folder = await mkdtemp(join(tmpdir(), 'nnz-python-'))
  const child = start(threads)
  const save = (name: string, array: Float32Array | Int32Array) =>
    writeFile(join(folder, name), new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
  try {
    const { m, k, n } = task
    if (library.method === 'dense') await save('dense', task.dense())
    else {
      const w = task.weights.layout === 'csr' ? task.weights : csr.fromDense(task.dense(), [m, k])
      await Promise.all([
        save('offsets', Int32Array.from(w.rowOffsets)),
        save('indices', Int32Array.from(w.columnIndices)),
        save('values', w.values),
      ])
    }
    const { planning } = await child.ask({ do: 'prepare', library: library.name, folder, m, k, n, threads })
    let y = new Float32Array()
    return {
      planning: planning ?? null,
      packedBytes: null,
      async setInput(values) {
        await save('x', values)
        await child.ask({ do: 'input' })
      },
      async run() {
        await child.ask({ do: 'run' })
        const bytes = await readFile(join(folder, 'y'))
        y = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
      },
      output: () => y,
      sample: async (milliseconds) => (await child.ask({ do: 'sample', milliseconds })).samples ?? [],
      async dispose() {
        child.close()
        await rm(folder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    child.close()
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

export const scipy = baseline({ name: 'scipy-csr', method: 'sparse', packages: 'scipy' })
export const torchDense = baseline({ name: 'torch-dense', method: 'dense', packages: 'torch' })
export const torchCsr = baseline({ name: 'torch-csr', method: 'sparse', packages: 'torch' })
export const mkl = baseline({ name: 'onemkl-csr', method: 'sparse', packages: 'sparse_dot_mkl scipy' })
