import { describe, typeError } from '@nnz/core'
import { expectExtent } from '../mask/checks.ts'
import { expectShare } from '../patterns/values.ts'
import type { Ranges } from './required.ts'

/** How much of a row is kept: with several limits, as much as all of them allow. */
export interface Budget {
  /** So many, the required ones included. */
  topK?: number | undefined
  /** That share of those that may be kept, rounded up; 0 to 1. */
  density?: number | undefined
  /** The largest ones until their estimated share of the attention reaches this; 0 to 1, and 1 keeps all. */
  threshold?: number | undefined
}

/** Checks a budget; there must be one. */
export function expectBudget(budget: Budget, name: string): Budget {
  if (typeof budget !== 'object' || budget === null)
    throw typeError('NNZ_TYPE', `${name}: expected an object, got ${describe(budget)}`)
  const { topK, density, threshold } = budget
  if (topK === undefined && density === undefined && threshold === undefined)
    throw typeError('NNZ_TYPE', `${name}: expected topK, density or threshold, got none`)
  if (topK !== undefined) expectExtent(topK, 1, `${name}: topK`)
  if (density !== undefined) expectShare(density, `${name}: density`)
  if (threshold !== undefined) expectShare(threshold, `${name}: threshold`)
  return { topK, density, threshold }
}

/**
 * Moves the larger of `values[low .. high]` in front of the smaller ones (Hoare). Those up to `split.end` are then at least as large
 * as a pivot, those from `split.begin` on at most as large, and any between are equal to it.
 */
function partition(values: Float32Array, low: number, high: number, split: { end: number; begin: number }): void {
  const pivot = values[(low + high) >>> 1]
  let i = low
  let j = high
  while (i <= j) {
    while (values[i] > pivot) i++
    while (values[j] < pivot) j--
    if (i <= j) {
      const x = values[i]
      values[i++] = values[j]
      values[j--] = x
    }
  }
  split.end = j
  split.begin = i
}

/** The `rank`-th largest of the first `count` values, counted from 0. Reorders them. */
function nthLargest(values: Float32Array, count: number, rank: number): number {
  const split = { end: 0, begin: 0 }
  let low = 0
  let high = count - 1
  while (low < high) {
    partition(values, low, high, split)
    if (rank <= split.end) high = split.end
    else if (rank >= split.begin) low = split.begin
    else break
  }
  return values[rank]
}

/** As {@link nthLargest}, for small ranks: keeps the largest so far in order in `top`. */
function nthOfFew(values: Float32Array, count: number, rank: number, top: Float32Array): number {
  let size = 0
  for (let i = 0; i < count; i++) {
    const value = values[i]
    if (size > rank && !(value > top[rank])) continue
    let at = size > rank ? rank : size++
    for (; at > 0 && top[at - 1] < value; at--) top[at] = top[at - 1]
    top[at] = value
  }
  return top[rank]
}

/** Up to this rank {@link nthOfFew} is faster. */
const FEW = 16

/** How many of the first `count` values, the largest first, it takes to reach a sum. Reorders them. */
function countToSum(values: Float32Array, count: number, sum: number): number {
  const split = { end: 0, begin: 0 }
  let low = 0
  let high = count - 1
  let missing = sum
  while (low <= high && missing > 0) {
    if (low === high) return low + 1
    partition(values, low, high, split)
    let larger = 0
    for (let i = low; i <= split.end; i++) larger += values[i]
    if (larger >= missing) {
      high = split.end
      continue
    }
    missing -= larger
    low = split.end + 1
    while (low < split.begin && missing > 0) missing -= values[low++]
  }
  return low
}

/** Chooses among the entries of one row after the other, without allocating. */
export class Chooser {
  /** What was chosen last: the first {@link count} entries, rising. */
  readonly chosen: Uint32Array
  count = 0
  readonly #budget: Budget
  /** What entries rank by: Infinity for those that are required. */
  readonly #values: Float32Array
  readonly #scratch: Float32Array

  /** For rows of up to `length` entries. */
  constructor(budget: Budget, length: number) {
    this.#budget = budget
    this.chosen = new Uint32Array(length)
    this.#values = new Float32Array(length)
    this.#scratch = new Float32Array(length)
  }

  /**
   * Chooses among `values[from .. from + length]`, of which all of `required` stay. NaN counts as the least. For a threshold values
   * must be masses: not negative, and in proportion to shares of attention. Where one is NaN, no sum reaches a threshold: it
   * limits nothing, and attention to what stays shows the NaN.
   */
  choose(values: Float32Array, from: number, length: number, required: Ranges): void {
    const ranked = this.#values
    for (let i = 0; i < length; i++) {
      const value = values[from + i]
      ranked[i] = Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value
    }
    let forced = 0
    let mass = 0
    for (const [begin, end] of required) {
      for (let i = Math.max(0, begin); i < Math.min(end, length); i++) {
        if (ranked[i] === Number.POSITIVE_INFINITY) continue
        mass += ranked[i]
        ranked[i] = Number.POSITIVE_INFINITY
        forced++
      }
    }
    const { topK = length, density = 1, threshold = 1 } = this.#budget
    let most = Math.max(forced, Math.min(length, topK, Math.ceil(density * length - 1e-9)))
    if (threshold < 1) most = Math.min(most, forced + this.#untilMass(values, from, length, mass, threshold))
    if (most >= length) this.#takeAll(length)
    else if (most === 0) this.count = 0
    else this.#takeLargest(length, most)
  }

  /** How many it takes besides the required ones, which have `mass`, to reach the threshold. */
  #untilMass(values: Float32Array, from: number, length: number, mass: number, threshold: number): number {
    let total = 0
    let count = 0
    for (let i = 0; i < length; i++) {
      total += values[from + i]
      if (this.#values[i] < Number.POSITIVE_INFINITY) this.#scratch[count++] = this.#values[i]
    }
    return Number.isNaN(total) ? length : countToSum(this.#scratch, count, threshold * total - mass)
  }

  #takeAll(length: number): void {
    for (let i = 0; i < length; i++) this.chosen[i] = i
    this.count = length
  }

  /** The `most` largest; of equal ones the first. */
  #takeLargest(length: number, most: number): void {
    const values = this.#values
    const scratch = this.#scratch
    let least: number
    if (most <= FEW) least = nthOfFew(values, length, most - 1, scratch)
    else {
      for (let i = 0; i < length; i++) scratch[i] = values[i]
      least = nthLargest(scratch, length, most - 1)
    }
    let ties = most
    for (let i = 0; i < length; i++) if (values[i] > least) ties--
    let count = 0
    for (let i = 0; i < length; i++)
      if (values[i] > least || (values[i] === least && ties-- > 0)) this.chosen[count++] = i
    this.count = count
  }
}
