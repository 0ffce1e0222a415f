import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Contender } from '../records/index.ts'
import type { Baseline, Prepared } from '../runner/contender.ts'
import type { Task } from '../runner/task.ts'
import { loadPackage } from './load.ts'

interface TfTensor {
  dataSync(): Float32Array
  dispose(): void
}

interface Tfjs {
  setBackend(name: string): Promise<boolean>
  ready(): Promise<void>
  tensor2d(values: Float32Array, shape: [number, number]): TfTensor
  matMul(a: TfTensor, b: TfTensor): TfTensor
}

interface TfjsWasm {
  setWasmPaths(prefix: string): void
  setThreadsCount(count: number): void
}

function contender(version: string | null): Contender {
  const settings = { copies: 'out' }
  return {
    type: 'baseline',
    name: 'tfjs-wasm',
    class: 'wasm',
    method: 'dense',
    version,
    settings,
    threads: 1,
    dtype: 'f32',
  }
}

/** TensorFlow.js on its WASM backend with SIMD, one thread. Operands stay in its memory; the result is read back. */
export const tfjsWasm: Baseline = {
  name: 'tfjs-wasm',
  placeholder: contender(null),
  async open() {
    const { module: tf, version } = await loadPackage<Tfjs>('@tensorflow/tfjs-core')
    const { module: backend, folder } = await loadPackage<TfjsWasm>('@tensorflow/tfjs-backend-wasm')
    backend.setThreadsCount(1)
    backend.setWasmPaths(
      process.versions.node ? join(folder, 'dist', '/') : pathToFileURL(join(folder, 'dist', '/')).href,
    )
    if (!(await tf.setBackend('wasm'))) throw new Error('tfjs-wasm: its backend did not start')
    await tf.ready()
    return [{ contender: contender(version), supports: () => true, prepare: (task) => prepare(tf, task) }]
  },
}

async function prepare(tf: Tfjs, task: Task): Promise<Prepared> {
  const start = process.hrtime.bigint()
  const w = tf.tensor2d(task.dense(), [task.m, task.k])
  const planning = Number(process.hrtime.bigint() - start)
  let x = tf.tensor2d(new Float32Array(task.k * task.n), [task.k, task.n])
  let y: Float32Array = new Float32Array()
  return {
    planning,
    packedBytes: null,
    setInput(values) {
      x.dispose()
      x = tf.tensor2d(values, [task.k, task.n])
    },
    run() {
      const product = tf.matMul(w, x)
      y = product.dataSync()
      product.dispose()
    },
    output: () => y,
    dispose() {
      w.dispose()
      x.dispose()
    },
  }
}
