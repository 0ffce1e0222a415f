import { F32_TYPES, type WasmVariant } from '@nnz/core'
import type { AttentionProblem } from '../problem.ts'
import { type AttentionKernel, type BackwardKernel, isFor, type Pattern, packingFeatures } from './types.ts'
import { PatternPacking } from './wasm/pattern-packing.ts'
import { backwardRunner, expectWasm, forwardRunner } from './wasm/runner.ts'

const VARIANTS: readonly WasmVariant[] = ['relaxed', 'simd']

const SHARED = {
  backend: 'wasm',
  types: F32_TYPES,
  format: 'tiles',
  dense: false,
  runFeatures: ({ pairs, headDim, batch, heads, tokens }: AttentionProblem) => [
    1,
    pairs * headDim,
    pairs,
    batch * heads * tokens * headDim,
  ],
  packFeatures: packingFeatures,
  pack: (pattern: Pattern, { tokens, keys }: AttentionProblem, backend: Parameters<typeof expectWasm>[0]) =>
    new PatternPacking(expectWasm(backend), pattern, tokens, keys),
} as const

/** The WASM rows of `attention`, in both variants. */
export const wasmKernels: readonly AttentionKernel[] = VARIANTS.map((variant) => ({
  ...SHARED,
  name: `attention_blocks_f32__wasm_${variant}_tiles`,
  operation: 'attention',
  variant: `${variant}_tiles`,
  supports: (problem) => isFor('attention', problem),
  plan: (problem, packing, backend) => forwardRunner(problem, packing, expectWasm(backend)),
}))

/** The WASM rows of `attentionBackward`, in both variants. */
export const wasmBackwardKernels: readonly BackwardKernel[] = VARIANTS.map((variant) => ({
  ...SHARED,
  name: `attentionBackward_blocks_f32__wasm_${variant}_tiles`,
  operation: 'attentionBackward',
  variant: `${variant}_tiles`,
  supports: (problem) => isFor('attentionBackward', problem),
  plan: (problem, packing, backend) => backwardRunner(problem, packing, expectWasm(backend)),
}))
