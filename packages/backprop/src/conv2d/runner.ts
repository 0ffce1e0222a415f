import type { Tensor } from '@nnz/core'

/** Images of one forward pass. */
export interface ForwardArguments {
  readonly x: Tensor
  readonly y: Tensor
  readonly bias: Float32Array | undefined
}

/** Images of one backward pass; all outputs that are given are overwritten. */
export interface BackwardArguments {
  /** Not read unless dValues are given. */
  readonly x: Tensor | undefined
  readonly dy: Tensor
  readonly dx: Tensor | undefined
  readonly dValues: Float32Array | undefined
  readonly dBias: Float32Array | undefined
}

/** A prepared pass over a batch. */
export interface Conv2dRunner<A> {
  /** Which method it is, and its bytes. */
  readonly method: string
  readonly bytes: number
  run(args: A): void
  /** Replaces the weights, in canonical order. */
  updateValues(values: Float32Array): void
  dispose(): void
}
