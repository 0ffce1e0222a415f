import { describe, rangeError, type Tensor, typeError } from '@nnz/core'
import { expectBlockMask } from '../mask/block-mask.ts'
import { BlockWriter } from '../mask/block-writer.ts'
import { writeHead } from '../patterns/per-head.ts'
import { expectCall, type Selection, type SelectionOptions, type Selector } from './call.ts'
import { headsOf } from './head-views.ts'

/** Options of `selection.perEntry`. */
export interface PerEntryOptions {
  /** How many keys each batch entry has, as for `attention`. */
  keyLengths: ArrayLike<number>
  /** Chooses for one batch entry, of which it gets only the keys that there are. */
  select: Selector
}

/**
 * Lets a selector choose for each batch entry by itself, among the keys that the entry has: for sequences of different lengths,
 * padded to one. Give the same `keyLengths` to the attention, which leaves out the padding inside the last block.
 *
 * @param q [batch, heads, tokens, headDim] or [heads, tokens, headDim]
 * @param k the same with keyHeads and keys
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes do not fit, or a length is not in 0..keys
 */
export function perEntry(q: Tensor, k: Tensor, options: PerEntryOptions): Selection {
  const name = 'selection.perEntry'
  const call = expectCall(q, k, options as SelectionOptions, name)
  const { keyLengths, select } = options
  const { batch, heads, keyHeads, tokens, keys } = call.shape
  if (typeof select !== 'function')
    throw typeError('NNZ_TYPE', `${name}: expected select to be a function, got ${describe(select)}`)
  if (keyLengths?.length !== batch)
    throw rangeError('NNZ_SHAPE', `${name}: expected keyLengths of ${batch} batch entries, got ${describe(keyLengths)}`)
  const masks = Array.from(keyLengths, (length, b) => {
    if (!Number.isInteger(length) || length < 0 || length > keys)
      throw rangeError('NNZ_VALUE', `${name}: keyLengths[${b}]: expected a whole number in 0..${keys}, got ${length}`)
    const { mask, cost } = select(headsOf(q, call.q, b, 0, heads), headsOf(k, call.k, b, 0, keyHeads, length))
    expectBlockMask(mask, `${name}: select`)
    if (mask.rows !== tokens || mask.columns !== length || (mask.heads !== 1 && mask.heads !== heads))
      throw rangeError(
        'NNZ_SHAPE',
        `${name}: select gave a mask of ${mask.heads} heads, ${mask.rows}x${mask.columns}, expected ${heads} heads, ${tokens}x${length}`,
      )
    call.meter.flops += cost.flops
    call.meter.bytes += cost.bytes
    return mask
  })
  const { blockShape } = masks[0] ?? call.size
  const writer = new BlockWriter({ blockShape, heads: batch * heads, rows: tokens, columns: keys })
  for (const mask of masks) {
    if (mask.blockShape.join('x') !== blockShape.join('x'))
      throw rangeError(
        'NNZ_SHAPE',
        `${name}: select gave blocks of ${blockShape.join('x')} and ${mask.blockShape.join('x')}`,
      )
    for (let head = 0; head < heads; head++) writeHead(writer, mask, mask.heads === 1 ? 0 : head)
  }
  const mask = writer.finish()
  return { mask, cost: call.meter.cost }
}
