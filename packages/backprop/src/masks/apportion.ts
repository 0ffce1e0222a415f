import { describe, rangeError } from '@nnz/core'
import { expectArguments } from '../kit/arguments.ts'

/**
 * Divides `total` into whole numbers in proportion to `weights`, none above its capacity, with exactly that sum: what a
 * full one cannot take goes to the others, again in proportion; fractions by largest remainder, then by order.
 *
 * @throws RangeError if the capacities cannot take `total`, or a weight is negative or not a number
 */
export function apportion(total: number, weights: readonly number[], capacities: readonly number[]): number[] {
  expectArguments('apportion', { numbers: { weights, capacities } })
  const room = capacities.reduce((sum, capacity) => sum + capacity, 0)
  if (!Number.isInteger(total) || total < 0 || total > room) {
    throw rangeError('NNZ_VALUE', `apportion: expected a whole total in 0..${room}, got ${describe(total)}`)
  }
  const wrong = weights.find((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY))
  if (wrong !== undefined || weights.length !== capacities.length)
    throw rangeError('NNZ_VALUE', `apportion: expected ${capacities.length} finite weights from 0 on, got ${wrong}`)
  const shares = exactShares(total, weights, capacities)
  const counts = shares.map(Math.floor)
  const order = shares.map((_, i) => i).sort((i, j) => shares[j] - counts[j] - (shares[i] - counts[i]) || i - j)
  let left = total - counts.reduce((sum, count) => sum + count, 0)
  while (left > 0) {
    for (const i of order) {
      if (left === 0) break
      if (counts[i] >= capacities[i]) continue
      counts[i]++
      left--
    }
  }
  return counts
}

function exactShares(total: number, weights: readonly number[], capacities: readonly number[]): number[] {
  const full = new Set<number>()
  for (;;) {
    const open = capacities.map((_, i) => i).filter((i) => !full.has(i))
    const left = total - [...full].reduce((sum, i) => sum + capacities[i], 0)
    const sum = open.reduce((weight, i) => weight + weights[i], 0)
    // Where nothing is weighted, room is what counts.
    const part = (i: number) =>
      sum > 0 ? weights[i] / sum : capacities[i] / open.reduce((all, j) => all + capacities[j], 0) || 0
    const overfull = open.filter((i) => left * part(i) > capacities[i])
    if (overfull.length === 0) return capacities.map((capacity, i) => (full.has(i) ? capacity : left * part(i)))
    for (const i of overfull) full.add(i)
  }
}
