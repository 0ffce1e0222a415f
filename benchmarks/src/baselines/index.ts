import type { Baseline } from '../runner/contender.ts'
import { mathjsBaseline } from './mathjs.ts'
import { onnxruntimeNodeBaseline } from './onnxruntime-node.ts'
import { onnxruntimeWebBaseline } from './onnxruntime-web.ts'
import { pythonBaselines } from './python.ts'
import { tfjsWasmBaseline } from './tfjs-wasm.ts'

/** Every baseline, in the order of the tables. */
export const baselines: readonly Baseline[] = [
  onnxruntimeWebBaseline(),
  tfjsWasmBaseline(),
  onnxruntimeNodeBaseline(),
  mathjsBaseline(),
  ...pythonBaselines(),
]
