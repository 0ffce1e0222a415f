import { describe, rangeError } from '@nnz/core'
import { expectArguments } from '../kit/arguments.ts'

/** Sizes of a decoder-only transformer. */
export interface TransformerShape {
  readonly layers: number
  readonly width: number
  /** Tokens of a sequence. */
  readonly context: number
  readonly vocabulary: number
  /** Width of the feed-forward layer. Default: 4 · width. */
  readonly feedForward?: number
}

/** Floating point operations for one token. */
export interface TransformerFlops {
  /** Matrices of the blocks, where sparsity counts. */
  readonly linear: number
  /** Scores and weighted values over the whole context. */
  readonly attention: number
  readonly logits: number
  readonly total: number
}

/**
 * Operations of a forward pass for one token, a multiply-add as two: the blocks' matrices at a sparsity, attention and
 * logits dense, embeddings, norms and activations left out (the count of SPDF, arXiv 2303.10464). A training step takes
 * three times as many.
 *
 * @param sparsity share of zeros in the blocks' matrices
 */
export function transformerFlops(shape: TransformerShape, sparsity = 0): TransformerFlops {
  expectArguments('transformerFlops', { object: { shape } })
  const { layers, width, context, vocabulary, feedForward = 4 * width } = shape
  if (!(sparsity >= 0 && sparsity <= 1))
    throw rangeError('NNZ_VALUE', `transformerFlops: expected a sparsity in 0..1, got ${describe(sparsity)}`)
  const linear = 2 * layers * (4 * width * width + 2 * width * feedForward) * (1 - sparsity)
  const attention = 4 * layers * context * width
  const logits = 2 * width * vocabulary
  return { linear, attention, logits, total: linear + attention + logits }
}
