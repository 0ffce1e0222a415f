import type { ProductTask } from '../products/task.ts'
import type { Contender } from '../records/index.ts'
import type { Baseline, Prepared } from '../runner/contender.ts'
import { entryFolder, type Importer, importPackage, loadPackage } from './packages.ts'
import { transpose } from './transpose.ts'

interface Tensor {
  dataSync(): Float32Array
  dispose(): void
}

/** The part of tfjs-core that is used here. */
interface Tfjs {
  readonly version_core: string
  setBackend(name: string): Promise<boolean>
  tensor2d(data: Float32Array, shape: [number, number]): Tensor
  matMul(a: Tensor, b: Tensor): Tensor
}

interface TfjsWasm {
  setWasmPaths(folder: string): void
}

const CORE = '@tensorflow/tfjs-core'
const BACKEND = '@tensorflow/tfjs-backend-wasm'

/** TensorFlow.js on its WASM backend (XNNPACK). It has no threads under Node. */
export function tfjsWasmBaseline(importer: Importer = importPackage): Baseline<ProductTask> {
  return {
    name: 'tfjs-wasm',
    placeholder: contender(null),
    async open(threads) {
      const tf = await loadPackage<Tfjs>(CORE, importer)
      const backend = await loadPackage<TfjsWasm>(BACKEND, importer)
      if (!threads.includes(1)) return []
      // The .wasm files lie beside the entry, and tfjs looks for them in the folder of the program that was started.
      backend.setWasmPaths(entryFolder(BACKEND))
      if (!(await tf.setBackend('wasm'))) throw new Error(`${BACKEND} does not start`)
      return [{ contender: contender(tf.version_core), supports: () => true, prepare: (task) => prepare(task, tf) }]
    },
  }
}

function contender(version: string | null): Contender {
  return {
    type: 'baseline',
    name: 'tfjs-wasm',
    class: 'wasm',
    method: 'dense',
    version,
    settings: {},
    threads: 1,
    dtype: 'f32',
  }
}

/** X [n, k] W [k, m]: tfjs keeps the packed second operand from one run to the next, so the weights must be that one. */
async function prepare(task: ProductTask, tf: Tfjs): Promise<Prepared> {
  const { m, k, n } = task
  const w = tf.tensor2d(transpose(task.dense(), m, k), [k, m])
  let x: Tensor | undefined
  let y: Tensor | undefined
  const drop = () => {
    y?.dispose()
    y = undefined
  }
  return {
    // Packed in the first run.
    planning: null,
    packedBytes: 4 * m * k,
    setInput([values]) {
      x?.dispose()
      x = tf.tensor2d(transpose(values, k, n), [n, k])
    },
    poison: drop,
    run() {
      drop()
      y = tf.matMul(x!, w)
    },
    output: () => transpose(y?.dataSync() ?? [], n, m),
    dispose() {
      drop()
      for (const tensor of [x, w]) tensor?.dispose()
    },
  }
}
