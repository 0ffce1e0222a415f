import type { Baseline } from '../runner/contender.ts'
import { mathjsBaseline } from './mathjs.ts'
import { onemkl } from './onemkl.ts'
import { onnxruntimeNodeBaseline } from './onnxruntime-node.ts'
import { onnxruntimeWebBaseline } from './onnxruntime-web.ts'
import { scipy } from './scipy.ts'
import { tfjsWasmBaseline } from './tfjs-wasm.ts'
import { torch } from './torch.ts'

/** Every baseline, in the order of the tables. */
export const baselines: readonly Baseline[] = [
  onnxruntimeWebBaseline(),
  tfjsWasmBaseline(),
  onnxruntimeNodeBaseline(),
  mathjsBaseline(),
  torch,
  scipy,
  onemkl,
]
