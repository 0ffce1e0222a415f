import type { ProductTask } from '../products/task.ts'
import type { Contender } from '../records/index.ts'
import type { Baseline } from '../runner/contender.ts'
import type { OnnxProto } from './onnx-graphs.ts'
import { type OnnxRuntime, onnxContender } from './onnx-runtime.ts'
import { type Importer, importPackage, loadPackage, requireOwnOnnxRuntime } from './packages.ts'

/** ONNX Runtime in WASM, as it runs in browsers: f32, and 8-bit weights with activations quantised in every run. */
export function onnxruntimeWebBaseline(
  importRuntime: Importer = requireOwnOnnxRuntime,
  importer: Importer = importPackage,
): Baseline<ProductTask> {
  return {
    name: 'onnxruntime-web',
    placeholder: contender(null, 1, 'f32'),
    async open(threads) {
      const proto = await loadPackage<OnnxProto>('onnx-proto', importer)
      const opened = []
      for (const count of threads) {
        const runtime = await loadPackage<OnnxRuntime>('onnxruntime-web', importRuntime)
        runtime.env.wasm.numThreads = count
        for (const dtype of ['f32', 'q8']) {
          const { web = null } = runtime.env.versions
          opened.push(onnxContender(contender(web, count, dtype), runtime, proto, { executionProviders: ['wasm'] }))
        }
      }
      return opened
    },
  }
}

function contender(version: string | null, threads: number, dtype: string): Contender {
  return {
    type: 'baseline',
    name: 'onnxruntime-web',
    class: 'wasm',
    method: 'dense',
    version,
    settings: { tensors: 'js-heap' },
    threads,
    dtype,
  }
}
