import { rangeError, type Tensor, tensor } from '@nnz/core'

/** Sequences of tokens laid end to end. */
export interface Packed {
  readonly tokens: readonly number[]
  /** Of each token inside its sequence. */
  readonly positions: readonly number[]
  /** Where each sequence begins, and the end of the last. */
  readonly sequenceOffsets: readonly number[]
}

/** What sequences may be. */
export interface SequenceLimits {
  readonly longest: number
  readonly vocabulary: number
}

/** Throws RangeError where a sequence is too long or a token is not in the vocabulary. */
export function checkSequences(
  sequences: readonly (readonly number[])[],
  { longest, vocabulary }: SequenceLimits,
): void {
  for (const [index, sequence] of sequences.entries()) {
    if (sequence.length > longest)
      throw rangeError('NNZ_SHAPE', `sequence ${index} has ${sequence.length} tokens, expected at most ${longest}`)
    const unknown = sequence.find((token) => !(Number.isInteger(token) && token >= 0 && token < vocabulary))
    if (unknown !== undefined)
      throw rangeError('NNZ_VALUE', `sequence ${index}: expected tokens in 0..${vocabulary - 1}, got ${unknown}`)
  }
}

/** Lays sequences end to end. Throws RangeError where one is too long or a token is not in the vocabulary. */
export function pack(sequences: readonly (readonly number[])[], limits: SequenceLimits): Packed {
  checkSequences(sequences, limits)
  const sequenceOffsets = [0]
  for (const [index, { length }] of sequences.entries()) sequenceOffsets.push(sequenceOffsets[index] + length)
  const positions = sequences.flatMap((sequence) => sequence.map((_, position) => position))
  return { tokens: sequences.flat(), positions, sequenceOffsets }
}

/** [tokens, heads * headDim] seen as [heads, tokens, headDim], without a copy. */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [tokens, width] = x.shape
  const headDim = width / heads
  return tensor(x.data, [heads, tokens, headDim], { strides: [headDim, width, 1] })
}
