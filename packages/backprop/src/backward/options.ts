import type { BackendOption, Tensor } from '@nnz/core'
import type { BackwardActivation } from '../activation/slopes.ts'

/** Which gradients are wanted. */
export interface Needs {
  /** Gradients of the activations. Default: true. The first layer does not need them. */
  dx?: boolean | undefined
  /** Gradients of the values of w. Default: true. A frozen layer does not need them. */
  dValues?: boolean | undefined
  /** Gradients of the bias. Default: false. */
  dBias?: boolean | undefined
}

/** Options that fix what a backward pass computes. */
export interface BackwardOptions {
  /** Where to run. Default: WASM where the host has it, else plain JS. */
  backend?: BackendOption | undefined
  /** The activation of the forward pass. Default: `none`. Others need `preActivation` in each run. */
  activation?: BackwardActivation | undefined
  needs?: Needs | undefined
  /** Take these rows of the tables (of `spmm` for dx, of `sddmm` for dValues) instead of those predicted to be fastest. */
  kernels?: { dx?: string | undefined; dValues?: string | undefined } | undefined
  /** Keep dense kernels out: with them an infinite or NaN gradient meets implicit zeros, too. Default: false. */
  strictNonFinite?: boolean | undefined
}

/** Options of a plan. */
export interface BackwardPlanOptions extends BackwardOptions {
  /** The most columns (tokens, for `linearBackward`) that a run will have. */
  columns: number
}

/** Where a run writes. */
export interface BackwardOutputs {
  dx?: Tensor | undefined
  dValues?: Float32Array | undefined
  dBias?: Float32Array | undefined
}

/** Options of one run. */
export interface BackwardRunOptions {
  /** What the activation of the forward pass was applied to, in the shape of dy. For `relu` its output does as well. */
  preActivation?: Tensor | undefined
  /** Written and returned, instead of new ones on the JS heap. */
  out?: BackwardOutputs | undefined
  /**
   * Add to `out.dValues` and `out.dBias` instead of replacing them: gradients of several batches. Those that are
   * wanted have to be given. Default: false.
   */
  accumulate?: boolean | undefined
}

/** Options of a direct call. */
export interface BackwardCallOptions extends BackwardOptions, BackwardRunOptions {}

/** Gradients; what was not asked for is empty. */
export interface Gradients {
  /** In the shape of x; [0, 0] if not asked for. */
  readonly dx: Tensor
  /** One number for each value of w, in its canonical order. */
  readonly dValues: Float32Array
  /** One number for each row of w. */
  readonly dBias: Float32Array
}
