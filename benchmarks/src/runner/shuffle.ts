import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/** A function that returns its argument's items in a new random order at each call; one seed gives one sequence of orders. */
export function shuffled(seed: number): <T>(items: readonly T[]) => T[] {
  const random = xoroshiro128plus(seed)
  return (items) => {
    const result = [...items]
    for (let i = result.length - 1; i > 0; i--) {
      const j = uniformInt(random, 0, i)
      ;[result[i], result[j]] = [result[j], result[i]]
    }
    return result
  }
}
