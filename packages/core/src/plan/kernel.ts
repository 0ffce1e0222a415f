import type { Backend } from '../backends/backend.ts'
import type { CompactType } from '../compact/values.ts'
import type { Dtype } from '../tensor.ts'

/** Plain data that describes one call: operation, shapes, layout, options. */
export interface Problem {
  readonly operation: string
  /** Columns of the activations: of one call, or the most that a plan will see. */
  readonly n: number
}

/**
 * Element types that a kernel reads, sums in and writes. `half` weights are f16 or bf16. `u7` activations are f32 ones
 * that the kernel quantises to 0..127 for each column (token) as it packs them.
 */
export interface KernelTypes {
  readonly weights: Dtype | CompactType | 'half'
  readonly activations: Dtype | 'u7'
  readonly accumulator: Dtype | 'f64' | 'i32'
  readonly output: Dtype
}

/** Every kernel of f32 in, f32 out. */
export const F32_TYPES: KernelTypes = Object.freeze({
  weights: 'f32',
  activations: 'f32',
  accumulator: 'f32',
  output: 'f32',
})

/** Weights in the form that a kernel reads. Immutable but for `updateValues`. */
export interface Packing {
  /** Bytes held, the structure included. */
  readonly bytes: number
  /** Replaces the values, given in the layout's canonical order. */
  updateValues(values: Float32Array): void
  dispose(): void
}

/** What a plan calls: no allocation, no validation. */
export interface Runner<A> {
  /** Bytes that a run uses at the beginning of the workspace: a runner around this one leaves them alone. */
  readonly workspaceBytes?: number
  run(args: A): void
}

/**
 * One row of an operation's table.
 *
 * @typeParam P the operation's problem
 * @typeParam W its weights
 * @typeParam A what one run gets: operands, checked already
 */
export interface Kernel<P extends Problem, W, A> {
  /** `<operation>_<layout>_<dtype>__<backend>_<variant>`: left of `__` the contract, right of it the implementation. */
  readonly name: string
  readonly operation: string
  /** Name of the backend that it runs on. */
  readonly backend: string
  /** Variant of that backend that it needs. */
  readonly variant: string
  readonly types: KernelTypes
  /** Kernels with one format share packings. */
  readonly format: string
  /** A dense kernel multiplies implicit zeros too, so it is equivalent for finite activations only. */
  readonly dense: boolean
  /** `true`, or the reason why not, in words. */
  supports(problem: P): true | string
  /** Counts that the time of one run is linear in; the cost model has a coefficient (ns) for each. */
  runFeatures(problem: P): readonly number[]
  /** Counts that the time of packing is linear in. */
  packFeatures(problem: P): readonly number[]
  pack(weights: W, problem: P, backend: Backend): Packing
  plan(problem: P, packing: Packing, backend: Backend): Runner<A>
}

/** Whether a kernel belongs to a backend as it stands on this host. */
export function runsOn(kernel: { backend: string; variant: string }, backend: Backend): boolean {
  const variants = backend.variants ?? [backend.variant]
  return kernel.backend === backend.name && variants.includes(kernel.variant.split('_')[0])
}
