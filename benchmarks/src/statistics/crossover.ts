export interface SpeedUpAt {
  /** Share of zeros, 0..1. */
  readonly sparsity: number
  /** How many times as fast as the dense contender. */
  readonly speedUp: number
}

/** From which sparsity on a sparse kernel is the faster one. */
export interface Crossover {
  readonly sparsity: number
  /** `at`: between two measured points. `below`: faster at the least sparsity measured already. `above`: not even at the greatest. */
  readonly relation: 'at' | 'below' | 'above'
}

/**
 * The least sparsity from which on every measured point is at least as fast as dense, interpolated linearly in sparsity and
 * in the logarithm of the speed-up. A kernel that wins, loses and wins again has crossed where it wins for good.
 * Several points of one sparsity count by the slowest. Null without points.
 */
export function crossover(points: readonly SpeedUpAt[]): Crossover | null {
  const slowest = new Map<number, number>()
  for (const { sparsity, speedUp } of points)
    slowest.set(sparsity, Math.min(speedUp, slowest.get(sparsity) ?? Infinity))
  const ordered = [...slowest].sort(([a], [b]) => a - b)
  const first = ordered[0]
  if (first === undefined) return null
  const lost = ordered.findLastIndex(([, speedUp]) => speedUp < 1)
  if (lost < 0) return { sparsity: first[0], relation: 'below' }
  const [sparsity, speedUp] = ordered[lost]!
  const next = ordered[lost + 1]
  if (next === undefined) return { sparsity, relation: 'above' }
  const [low, high] = [Math.log(speedUp), Math.log(next[1])]
  return { sparsity: sparsity + ((next[0] - sparsity) * -low) / (high - low), relation: 'at' }
}
