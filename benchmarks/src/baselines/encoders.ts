import type { EncodeTask } from '../end-to-end/encode-task.ts'
import type { Baseline } from '../runner/contender.ts'
import { onnxEncoderBaseline } from './onnx-encoder.ts'
import { pythonEncoderBaseline } from './python-encoder.ts'
import { transformersJsBaseline } from './transformers-js.ts'

/** What encodes texts elsewhere, in the order of the tables. */
export const encoderBaselines: readonly Baseline<EncodeTask>[] = [
  onnxEncoderBaseline('onnxruntime-web'),
  onnxEncoderBaseline('onnxruntime-node'),
  transformersJsBaseline(),
  pythonEncoderBaseline(),
]
