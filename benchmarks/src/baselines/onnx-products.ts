import type { ProductTask } from '../products/task.ts'
import type { Contender } from '../records/index.ts'
import type { Baseline } from '../runner/contender.ts'
import type { OnnxProto } from './onnx-graphs.ts'
import { type OnnxRuntime, onnxContender } from './onnx-runtime.ts'
import { type OnnxPackage, openOnnxRuntimes } from './onnx-runtimes.ts'
import type { Importer } from './packages.ts'

/** ONNX Runtime: f32, and 8-bit weights with activations quantised in every run. */
export function onnxProductBaseline(
  name: OnnxPackage,
  importRuntime?: Importer,
  importer?: Importer,
): Baseline<ProductTask> {
  return {
    name,
    placeholder: contender(name, null, 1, 'f32'),
    async open(threads) {
      const opened = await openOnnxRuntimes<OnnxRuntime, OnnxProto>(name, threads, importRuntime, importer)
      return opened.flatMap(({ runtime, proto, version, threads: count, options }) =>
        ['f32', 'q8'].map((dtype) => onnxContender(contender(name, version, count, dtype), runtime, proto, options)),
      )
    },
  }
}

function contender(name: OnnxPackage, version: string | null, threads: number, dtype: string): Contender {
  return {
    type: 'baseline',
    name,
    class: name === 'onnxruntime-web' ? 'wasm' : 'native',
    method: 'dense',
    version,
    settings: { tensors: 'js-heap' },
    threads,
    dtype,
  }
}
