import type { ProductTask } from '../products/task.ts'
import type { Baseline } from '../runner/contender.ts'
import { mathjsBaseline } from './mathjs.ts'
import { onnxProductBaseline } from './onnx-products.ts'
import { pythonBaselines } from './python.ts'
import { tfjsWasmBaseline } from './tfjs-wasm.ts'

/** What multiplies weights by activations elsewhere, in the order of the tables. */
export const productBaselines: readonly Baseline<ProductTask>[] = [
  onnxProductBaseline('onnxruntime-web'),
  tfjsWasmBaseline(),
  onnxProductBaseline('onnxruntime-node'),
  mathjsBaseline(),
  ...pythonBaselines(),
]
