import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Contender } from '../records/index.ts'
import type { ContenderSpec, Prepared } from '../runner/contender.ts'
import type { Task } from '../runner/task.ts'
import type { Answering, Fields } from './process.ts'
import { transpose } from './transpose.ts'

/** A contender in another process: where the clock is too. */
export interface ProcessContender {
  readonly contender: Contender
  readonly process: Answering
  /** What of the program is asked for. */
  readonly method: string
  /** Whether x and y are passed transposed, [n, k] and [n, m], as transformers hold them. Transposing is not timed. */
  readonly tokenMajor: boolean
  /** The files that the program reads while it prepares, by name. */
  files(task: Task): Readonly<Record<string, Uint8Array>>
  /** Largest error that quantisation may cause with these activations. */
  tolerance?(task: Task, x: Float32Array): number
}

/**
 * Operands travel as files of raw little-endian numbers in a temporary folder: x.f32 in, y.f32 out. The program answers
 * `prepare` { id, method, folder, m, k, n }, `input` { id }, `run` { id }, `sample` { id, milliseconds } and `dispose` { id }.
 */
export function processContender(given: ProcessContender): ContenderSpec {
  return { contender: given.contender, supports: () => true, prepare: (task) => prepare(given, task) }
}

let lastId = 0

async function prepare(given: ProcessContender, task: Task): Promise<Prepared> {
  const { m, k, n } = task
  const id = ++lastId
  const folder = await mkdtemp(join(tmpdir(), 'nnz-bench-'))
  const ask = (op: string, fields: Fields = {}) => given.process.request(op, { id, ...fields })
  const dispose = () => rm(folder, { recursive: true, force: true })
  let x = task.x
  let y: Float32Array = new Float32Array()
  const readOutput = async () => {
    const bytes = await readFile(join(folder, 'y.f32'))
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
    y = given.tokenMajor ? transpose(values, n, m) : values
  }
  try {
    for (const [name, bytes] of Object.entries(given.files(task))) await writeFile(join(folder, name), bytes)
    const { planning } = await ask('prepare', { method: given.method, folder, m, k, n })
    return {
      planning: Number(planning),
      packedBytes: null,
      ...(given.tolerance
        ? {
            get tolerance() {
              return given.tolerance?.(task, x)
            },
          }
        : {}),
      async setInput(values) {
        x = values
        await writeFile(join(folder, 'x.f32'), bytesOf(given.tokenMajor ? transpose(values, k, n) : values))
        await ask('input')
      },
      async run() {
        await ask('run')
        await readOutput()
      },
      output: () => y,
      async sample(milliseconds) {
        const { samples } = await ask('sample', { milliseconds })
        await readOutput()
        return samples as number[]
      },
      async dispose() {
        await ask('dispose').finally(dispose)
      },
    }
  } catch (error) {
    await dispose()
    throw error
  }
}

/** The bytes of a typed array, not copied. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)
}
