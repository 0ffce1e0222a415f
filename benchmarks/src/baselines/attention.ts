import type { AttentionTask } from '../attention/task.ts'
import type { Contender } from '../records/index.ts'
import type { Baseline } from '../runner/contender.ts'
import { FORMS, onnxAttention } from './onnx-attention.ts'
import type { OnnxProto } from './onnx-graphs.ts'
import type { OnnxRuntime } from './onnx-runtime.ts'
import { type OnnxPackage, openOnnxRuntimes } from './onnx-runtimes.ts'
import type { Importer } from './packages.ts'
import { pythonAttentionBaseline } from './python-attention.ts'

/** What computes attention elsewhere, in the order of the tables. */
export const attentionBaselines: readonly Baseline<AttentionTask>[] = [
  onnxAttentionBaseline('onnxruntime-web'),
  onnxAttentionBaseline('onnxruntime-node'),
  pythonAttentionBaseline(),
]

/** ONNX Runtime, spelled out and fused: in WASM, as it runs in browsers, or compiled for this CPU. */
export function onnxAttentionBaseline(
  name: OnnxPackage,
  importRuntime?: Importer,
  importer?: Importer,
): Baseline<AttentionTask> {
  return {
    name,
    placeholder: contender(name, null, 1, 'graph'),
    async open(threads) {
      const opened = await openOnnxRuntimes<OnnxRuntime, OnnxProto>(name, threads, importRuntime, importer)
      return opened.flatMap(({ runtime, proto, version, threads: count, options }) =>
        FORMS.map((form) => onnxAttention(contender(name, version, count, form), form, runtime, proto, options)),
      )
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
