import type { ProductTask } from '../products/task.ts'
import type { Contender } from '../records/index.ts'
import type { Baseline } from '../runner/contender.ts'
import type { OnnxProto } from './onnx-graphs.ts'
import { type OnnxRuntime, onnxContender } from './onnx-runtime.ts'
import { type Importer, importPackage, loadPackage, requireOwnOnnxRuntime } from './packages.ts'

/** ONNX Runtime compiled for this CPU. */
export function onnxruntimeNodeBaseline(
  importRuntime: Importer = requireOwnOnnxRuntime,
  importer: Importer = importPackage,
): Baseline<ProductTask> {
  return {
    name: 'onnxruntime-node',
    placeholder: contender(null, 1, 'f32'),
    async open(threads) {
      const proto = await loadPackage<OnnxProto>('onnx-proto', importer)
      const runtime = await loadPackage<OnnxRuntime>('onnxruntime-node', importRuntime)
      const { node = null } = runtime.env.versions
      return threads.flatMap((count) =>
        ['f32', 'q8'].map((dtype) =>
          onnxContender(contender(node, count, dtype), runtime, proto, {
            executionProviders: ['cpu'],
            intraOpNumThreads: count,
            interOpNumThreads: 1,
          }),
        ),
      )
    },
  }
}

function contender(version: string | null, threads: number, dtype: string): Contender {
  return {
    type: 'baseline',
    name: 'onnxruntime-node',
    class: 'native',
    method: 'dense',
    version,
    settings: { tensors: 'js-heap' },
    threads,
    dtype,
  }
}
