import { expectMask } from './matrix.ts'

/**
 * Share of the elements that two masks of one tensor treat differently, 0 to 1: how restless the pattern was between two
 * steps of training (arXiv 2404.01847).
 *
 * @throws TypeError if a mask is not a Uint8Array
 * @throws RangeError if they are not equally long
 */
export function flipRate(a: Uint8Array, b: Uint8Array): number {
  const before = expectMask(a, a?.length, 'flipRate: a')
  const after = expectMask(b, before.length, 'flipRate: b')
  let flips = 0
  for (let i = 0; i < before.length; i++) if ((before[i] !== 0) !== (after[i] !== 0)) flips++
  return before.length === 0 ? 0 : flips / before.length
}
