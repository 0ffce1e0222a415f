import { describe, rangeError, type Tensor, typeError } from '@nnz/core'
import { attention } from '../attention.ts'
import type { BlockMask } from '../mask/block-mask.ts'
import { density } from '../mask/combine.ts'
import { perHead } from '../patterns/per-head.ts'
import { expectCall, type Selection, type SelectionOptions, type Selector } from './call.ts'
import { headsOf } from './head-views.ts'
import { keptShare } from './kept-share.ts'

/** What {@link assignSelectors} found. */
export interface Assignment {
  /** For each head (of each batch entry) the number of its selector. */
  readonly choice: readonly number[]
  /** For each selector and head the share of the attention that it kept. */
  readonly shares: readonly Float64Array[]
}

function expectSelectors(selectors: readonly Selector[], name: string): void {
  if (!Array.isArray(selectors) || selectors.length === 0 || selectors.some((select) => typeof select !== 'function'))
    throw typeError('NNZ_TYPE', `${name}: expected functions (q, k) => selection, got ${describe(selectors)}`)
}

/**
 * Finds for each head the selector that keeps most of its attention, which it then has for good: the offline assignment of patterns
 * of MInference (arXiv 2407.02490). Give the selectors budgets that cost the same. Of equal ones the cheaper mask wins, then the
 * earlier one.
 *
 * @param q some queries that are typical, [heads, tokens, headDim]
 * @param k their keys
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes do not fit
 */
export function assignSelectors(
  q: Tensor,
  k: Tensor,
  selectors: readonly Selector[],
  options: Omit<SelectionOptions, 'blockShape'> = {},
): Assignment {
  const name = 'assignSelectors'
  expectCall(q, k, options, name)
  expectSelectors(selectors, name)
  const { causal, scale, backend } = options
  // Only logSumExp is needed, so keys serve as values.
  const run = (mask?: BlockMask) => attention(q, k, k, { mask, causal, scale, backend })
  const full = run()
  const masks = selectors.map((select) => select(q, k).mask)
  const shares = masks.map((mask) => keptShare(run(mask), full))
  const densities = masks.map((mask) => density(mask))
  const choice = Array.from(shares[0], (_, head) =>
    shares.reduce((best, share, i) => {
      const gain = share[head] - shares[best][head]
      return gain > 1e-6 || (gain > -1e-6 && densities[i] < densities[best]) ? i : best
    }, 0),
  )
  return { choice, shares }
}

/** Options of `selection.assigned`. */
export interface AssignedOptions {
  /** For each head (of each batch entry) the number of its selector, as {@link assignSelectors} finds it. */
  choice: readonly number[]
  selectors: readonly Selector[]
}

/**
 * Lets each head have its own selector.
 *
 * @param q [heads, tokens, headDim] or [batch, heads, tokens, headDim]
 * @param k the same with keyHeads and keys
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes do not fit, or a choice is no selector
 */
export function assigned(q: Tensor, k: Tensor, options: AssignedOptions): Selection {
  const name = 'selection.assigned'
  const call = expectCall(q, k, options as SelectionOptions, name)
  const { choice, selectors } = options
  expectSelectors(selectors, name)
  const { batch, heads } = call.shape
  if (choice?.length !== batch * heads)
    throw rangeError('NNZ_SHAPE', `${name}: expected a choice for ${batch * heads} heads, got ${describe(choice)}`)
  const masks = Array.from(choice, (number, i) => {
    if (selectors[number] === undefined)
      throw rangeError(
        'NNZ_VALUE',
        `${name}: choice[${i}]: expected a number in 0..${selectors.length - 1}, got ${number}`,
      )
    const [b, head] = [Math.floor(i / heads), i % heads]
    const keyHead = Math.floor(head / call.group)
    const { mask, cost } = selectors[number](headsOf(q, call.q, b, head, 1), headsOf(k, call.k, b, keyHead, 1))
    call.meter.flops += cost.flops
    call.meter.bytes += cost.bytes
    return mask
  })
  const mask = perHead(masks)
  return { mask, cost: call.meter.cost }
}
