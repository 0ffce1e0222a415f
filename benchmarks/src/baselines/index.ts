import type { Baseline } from '../runner/contender.ts'
import { mathjs } from './mathjs.ts'
import { onnxruntimeNode, onnxruntimeWeb } from './onnxruntime.ts'
import { mkl, scipy, torchCsr, torchDense } from './python.ts'
import { tfjsWasm } from './tfjs-wasm.ts'

/** Every baseline, in the order of the tables. */
export const baselines: readonly Baseline[] = [
  onnxruntimeWeb,
  tfjsWasm,
  mathjs,
  onnxruntimeNode,
  scipy,
  torchDense,
  torchCsr,
  mkl,
]
