import { rangeError } from '@nnz/core'

/** The lowest of the highest scores, and how many of the scores equal to it belong to them. */
export interface Threshold {
  readonly value: number
  readonly ties: number
}

/** Below so many scores sorting a copy is faster than counting. */
const SORTED = 1 << 14

/**
 * The threshold of the `count` highest of all scores in `lists` together, without sorting them: scores are counted by
 * the upper half of their bits, then those of the half in question by the lower one.
 *
 * @param lists scores >= 0; their bits rise as they do
 * @param count 1..number of scores
 */
export function thresholdOf(lists: readonly Float32Array[], count: number): Threshold {
  const total = lists.reduce((sum, { length }) => sum + length, 0)
  if (total <= SORTED) return sortedThreshold(lists, total, count)
  const counts = new Uint32Array(1 << 16)
  const words = lists.map((scores) => new Uint32Array(scores.buffer, scores.byteOffset, scores.length))
  // The bit of the sign is left out: -0 is a score, too.
  for (const bits of words) for (let i = 0; i < bits.length; i++) counts[(bits[i] >>> 16) & 0x7fff]++
  const upper = reached(counts, count)
  counts.fill(0)
  for (const bits of words)
    for (let i = 0; i < bits.length; i++) if (((bits[i] >>> 16) & 0x7fff) === upper.bin) counts[bits[i] & 0xffff]++
  const lower = reached(counts, upper.left)
  const bits = Uint32Array.of(((upper.bin << 16) | lower.bin) >>> 0)
  return { value: new Float32Array(bits.buffer)[0], ties: lower.left }
}

/** From the highest bin down: the one that holds the count-th, and how many of it are wanted. */
function reached(counts: Uint32Array, count: number): { bin: number; left: number } {
  let bin = counts.length - 1
  let left = count
  for (; counts[bin] < left; bin--) left -= counts[bin]
  return { bin, left }
}

function sortedThreshold(lists: readonly Float32Array[], total: number, count: number): Threshold {
  const sorted = new Float32Array(total)
  let end = 0
  for (const scores of lists) {
    sorted.set(scores, end)
    end += scores.length
  }
  sorted.sort()
  const value = sorted[total - count]
  let ties = 0
  while (total - count + ties < total && sorted[total - count + ties] === value) ties++
  return { value, ties }
}

/** Marks the `count` highest of the scores from `begin` to `end`; of equal ones the first. */
export function markHighest(scores: Float32Array, begin: number, end: number, count: number, mask: Uint8Array): void {
  if (count <= 0) return
  const { value, ties } = thresholdOf([scores.subarray(begin, end)], count)
  let left = ties
  for (let i = begin; i < end; i++) {
    if (scores[i] > value || (scores[i] === value && left-- > 0)) mask[i] = 1
  }
}

/** Throws where a score is negative, infinite or NaN. */
export function expectScores(scores: Float32Array, columns: number, name: string): void {
  for (let i = 0; i < scores.length; i++) {
    // Not so for NaN.
    if (scores[i] >= 0 && scores[i] < Number.POSITIVE_INFINITY) continue
    throw rangeError(
      'NNZ_VALUE',
      `${name}: row ${Math.floor(i / columns)}, column ${i % columns}: expected a finite number from 0 on, got ${scores[i]}`,
    )
  }
}
