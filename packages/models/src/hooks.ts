import type { BlockMask } from '@nnz/attention'
import type { Tensor } from '@nnz/core'

/** q [heads, tokens, headDim], k and v [keyHeads, tokens, headDim] of an attention layer, as views that live until the layer ends. */
export interface AttentionInputs {
  readonly q: Tensor
  readonly k: Tensor
  readonly v: Tensor
  /** Where the packed sequences begin, and the end of the last. */
  readonly sequenceOffsets: readonly number[]
  readonly causal: boolean
}

/** What is told while a network computes. What a hook wants to keep it must copy. */
export interface Hooks {
  /** Before each linear layer: its name and its input [tokens, K]. */
  linear?(name: string, input: Tensor): void
  /** Before the attention of a layer. A mask that it returns says which pairs are computed, for packed sequences together. */
  attention?(layer: number, inputs: AttentionInputs): BlockMask | undefined
}
