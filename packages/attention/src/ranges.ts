import { describe, rangeError, typeError } from '@nnz/core'
import type { AttentionShape } from './problem.ts'

/** Lengths that may change from run to run. */
export interface Lengths {
  /** How many keys each batch entry has: those beyond are not attended. Default: all. */
  keyLengths?: ArrayLike<number> | undefined
  /**
   * Sequences packed into one: sequence s has tokens `sequenceOffsets[s] .. sequenceOffsets[s + 1]`, as queries and as keys,
   * and attends to itself only. Needs as many keys as queries.
   */
  sequenceOffsets?: ArrayLike<number> | undefined
}

/**
 * The keys that each query may attend to, besides what the mask says: `low[i] <= key < high[i]`. [batch, tokens] if
 * `perBatch`, else [tokens] for every batch entry. Both rise with i inside a batch entry.
 */
export interface KeyRanges {
  readonly low: Int32Array
  readonly high: Int32Array
  readonly perBatch: boolean
}

function expectNumbers(values: ArrayLike<number>, length: number | undefined, name: string): void {
  if (typeof values !== 'object' || values === null || typeof values.length !== 'number')
    throw typeError('NNZ_TYPE', `${name}: expected an array of numbers, got ${describe(values)}`)
  if (length !== undefined && values.length !== length)
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: expected ${length} entries (one for each batch entry), got ${values.length}`,
    )
}

function expectOffsets(offsets: ArrayLike<number>, { tokens, keys }: AttentionShape, name: string): void {
  expectNumbers(offsets, undefined, name)
  if (tokens !== keys)
    throw rangeError('NNZ_SHAPE', `${name}: expected as many keys as queries, got ${keys} and ${tokens}`)
  const count = offsets.length
  for (let i = 0; i < count; i++) {
    const least = i === 0 ? 0 : offsets[i - 1]
    if (!Number.isInteger(offsets[i]) || offsets[i] < least || offsets[i] > (i === 0 ? 0 : tokens))
      throw rangeError(
        'NNZ_VALUE',
        `${name}[${i}]: expected whole numbers that rise from 0 to ${tokens}, got ${offsets[i]}`,
      )
  }
  if (count === 0 || offsets[count - 1] !== tokens)
    throw rangeError('NNZ_VALUE', `${name}: expected to end at ${tokens} (the tokens), got ${offsets[count - 1]}`)
}

/**
 * Ranges of keys: a causal query i of n meets the keys up to i + (keys - n), so that the last query is aligned with the last
 * key of its sequence.
 *
 * @throws RangeError if lengths or offsets do not fit
 */
export function keyRanges(shape: AttentionShape, causal: boolean, lengths: Lengths, name: string): KeyRanges {
  const { batch, tokens, keys } = shape
  const { keyLengths, sequenceOffsets } = lengths
  if (sequenceOffsets !== undefined) {
    if (keyLengths !== undefined)
      throw rangeError('NNZ_VALUE', `${name}: expected keyLengths or sequenceOffsets, got both`)
    expectOffsets(sequenceOffsets, shape, `${name}: sequenceOffsets`)
    const low = new Int32Array(tokens)
    const high = new Int32Array(tokens)
    for (let s = 0; s + 1 < sequenceOffsets.length; s++) {
      for (let i = sequenceOffsets[s]; i < sequenceOffsets[s + 1]; i++) {
        low[i] = sequenceOffsets[s]
        high[i] = causal ? i + 1 : sequenceOffsets[s + 1]
      }
    }
    return { low, high, perBatch: false }
  }
  if (keyLengths !== undefined) expectNumbers(keyLengths, batch, `${name}: keyLengths`)
  const count = keyLengths === undefined ? 1 : batch
  const high = new Int32Array(count * tokens)
  for (let b = 0; b < count; b++) {
    const length = keyLengths === undefined ? keys : keyLengths[b]
    if (!Number.isInteger(length) || length < 0 || length > keys)
      throw rangeError('NNZ_VALUE', `${name}: keyLengths[${b}]: expected a whole number in 0..${keys}, got ${length}`)
    for (let i = 0; i < tokens; i++) high[b * tokens + i] = causal ? Math.max(0, i + 1 + length - tokens) : length
  }
  return { low: new Int32Array(high.length), high, perBatch: keyLengths !== undefined }
}
