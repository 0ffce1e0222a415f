import type { AttentionTask } from '../attention/task.ts'
import type { Contender } from '../records/index.ts'
import type { Baseline } from '../runner/contender.ts'
import { FORMS, onnxAttention } from './onnx-attention.ts'
import type { OnnxProto } from './onnx-graphs.ts'
import type { OnnxRuntime } from './onnx-runtime.ts'
import { type Importer, importPackage, loadPackage, requireOwnOnnxRuntime } from './packages.ts'
import { pythonAttentionBaseline } from './python-attention.ts'

/** What computes attention elsewhere, in the order of the tables. */
export const attentionBaselines: readonly Baseline<AttentionTask>[] = [
  onnxAttentionBaseline('onnxruntime-web'),
  onnxAttentionBaseline('onnxruntime-node'),
  pythonAttentionBaseline(),
]

/** ONNX Runtime, spelled out and fused: in WASM, as it runs in browsers, or compiled for this CPU. */
export function onnxAttentionBaseline(
  name: 'onnxruntime-web' | 'onnxruntime-node',
  importRuntime: Importer = requireOwnOnnxRuntime,
  importer: Importer = importPackage,
): Baseline<AttentionTask> {
  const web = name === 'onnxruntime-web'
  return {
    name,
    placeholder: contender(name, null, 1, 'graph'),
    async open(threads) {
      const proto = await loadPackage<OnnxProto>('onnx-proto', importer)
      const specs = []
      for (const count of threads) {
        const runtime = await loadPackage<OnnxRuntime>(name, importRuntime)
        if (web) runtime.env.wasm.numThreads = count
        const version = runtime.env.versions[web ? 'web' : 'node'] ?? null
        const options = web
          ? { executionProviders: ['wasm'] }
          : { executionProviders: ['cpu'], intraOpNumThreads: count, interOpNumThreads: 1 }
        for (const form of FORMS)
          specs.push(onnxAttention(contender(name, version, count, form), form, runtime, proto, options))
      }
      return specs
    },
  }
}

function contender(name: string, version: string | null, threads: number, form: string): Contender {
  return {
    type: 'baseline',
    name,
    class: name === 'onnxruntime-web' ? 'wasm' : 'native',
    method: 'dense',
    version,
    settings: { form },
    threads,
    dtype: 'f32',
  }
}
