import type { GenerateTask } from '../end-to-end/generate-task.ts'
import type { Baseline } from '../runner/contender.ts'
import { nodeLlamaCppBaseline } from './node-llama-cpp.ts'
import { onnxDecoderBaseline } from './onnx-decoder.ts'
import { wllamaBaseline } from './wllama.ts'

/** What generates text elsewhere, in the order of the tables. */
export const decoderBaselines: readonly Baseline<GenerateTask>[] = [
  onnxDecoderBaseline('onnxruntime-web'),
  wllamaBaseline(),
  onnxDecoderBaseline('onnxruntime-node'),
  nodeLlamaCppBaseline(),
]
