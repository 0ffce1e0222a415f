import { describe, expectOptions, type NmPattern, rangeError, type Tensor, tensor, typeError } from '@nnz/core'
import { expectFinite, expectPattern, rowMajor } from './matrix.ts'

/** Options of {@link mvue}. */
export interface MvueOptions extends NmPattern {
  /** Gives numbers in [0, 1), one for each group that is rounded: a seeded generator makes training repeatable. */
  random: () => number
}

/**
 * The N:M matrix whose expectation is g and whose variance is least (minimum-variance unbiased estimate: arXiv
 * 2203.10991). In a group of m along a row an element is kept with probability p = min(1, c·|g|), where the p of a group
 * add up to n, and becomes g / p; which ones are kept together is drawn with one number (systematic sampling). A group
 * with at most n non-zeros is kept as it is.
 *
 * @param g [rows, columns], any strides
 * @returns a new row-major tensor of the same shape
 * @throws TypeError if g is not a matrix or `random` not a function
 * @throws RangeError if n or m is out of range, an element is not finite or `random` gives no number in [0, 1)
 */
export function mvue(g: Tensor, options: MvueOptions): Tensor {
  return estimate(g, options, 'mvue')
}

/** {@link mvue} with two of four: the estimate of a gradient that makes dW = dY·Xᵀ a 2:4 product. */
export function mvue24(g: Tensor, random: () => number): Tensor {
  return estimate(g, { n: 2, m: 4, random }, 'mvue24')
}

function estimate(g: Tensor, options: MvueOptions, name: string): Tensor {
  expectOptions(options, name)
  expectPattern(options, name)
  const { n, m, random } = options
  if (typeof random !== 'function')
    throw typeError('NNZ_TYPE', `${name}: expected random to be a function, got ${describe(random)}`)
  const matrix = rowMajor(g, `${name}: g`)
  expectFinite(matrix, `${name}: g`)
  const { rows, columns, data } = matrix
  const result = new Float32Array(data.length)
  const chances = new Float64Array(m)
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * columns
    for (let start = row * columns; start < end; start += m) {
      const stop = Math.min(start + m, end)
      if (fillChances(data, start, stop, n, chances))
        draw(data, start, stop, n, chances, expectFraction(random(), name), result)
      else for (let i = start; i < stop; i++) result[i] = data[i]
    }
  }
  return tensor(result, [rows, columns])
}

function expectFraction(drawn: number, name: string): number {
  if (typeof drawn === 'number' && drawn >= 0 && drawn < 1) return drawn
  throw rangeError('NNZ_VALUE', `${name}: expected random to give numbers in [0, 1), got ${describe(drawn)}`)
}

/** Fills in the probability of each element of `data[start .. stop]`; false where at most n are not zero. */
function fillChances(data: Float32Array, start: number, stop: number, n: number, chances: Float64Array): boolean {
  let nonZeros = 0
  let rest = 0
  let largest = start
  for (let i = start; i < stop; i++) {
    const magnitude = Math.abs(data[i])
    if (magnitude > 0) nonZeros++
    if (magnitude > Math.abs(data[largest])) largest = i
    rest += magnitude
    chances[i - start] = 0
  }
  if (nonZeros <= n) return false
  // What is larger than its share is kept always, which leaves fewer places for the others.
  let places = n
  while (Math.abs(data[largest]) * places > rest) {
    chances[largest - start] = 1
    places--
    rest = 0
    let next = -1
    for (let i = start; i < stop; i++) {
      if (chances[i - start] === 1) continue
      rest += Math.abs(data[i])
      if (next < 0 || Math.abs(data[i]) > Math.abs(data[next])) next = i
    }
    largest = next
  }
  const factor = places / rest
  for (let i = start; i < stop; i++) if (chances[i - start] !== 1) chances[i - start] = factor * Math.abs(data[i])
  return true
}

/** Keeps the elements in whose stretch of the line one of the points u, u + 1, … falls. */
function draw(
  data: Float32Array,
  start: number,
  stop: number,
  n: number,
  chances: Float64Array,
  u: number,
  result: Float32Array,
): void {
  let reached = 0
  let next = u
  // Rounding can stretch the line a little: there are never more than n points.
  for (let i = start; i < stop && next < n; i++) {
    const chance = chances[i - start]
    reached += chance
    if (next >= reached) continue
    result[i] = data[i] / chance
    next++
  }
}
