/** Base of a logarithmic scale; 0 for a linear one. */
export type Log = 0 | 2 | 10

/** A range that has room for all values: `fromZero`, where a linear one shows shares of a whole. */
export function rangeOf(values: readonly number[], log: Log, fromZero: boolean): [number, number] {
  let [low, high] = [Infinity, -Infinity]
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)]
  // uPlot counts its powers of two from the lower end.
  if (log === 2) return [2 ** Math.floor(Math.log2(low)), 2 ** Math.ceil(Math.log2(high * 1.01))]
  if (log === 10) {
    const margin = low === high ? 2 : 1.15
    return [oneDigitBelow(low / margin), high * margin * margin]
  }
  if (fromZero) return [Math.min(0, low), high * 1.06]
  const margin = low === high ? Math.abs(low) / 10 || 1 : (high - low) * 0.06
  return [low - margin, high + margin]
}

/** uPlot counts its steps from the lower end, and does not come to an end from one with more digits. */
function oneDigitBelow(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return Number((Math.floor(value / power) * power).toPrecision(1))
}

/** Values that differ by orders of magnitude are told apart on a logarithmic scale only. */
export function logFor(values: readonly number[]): 0 | 10 {
  let [low, high] = [Infinity, -Infinity]
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)]
  return low > 0 && high / low > 50 ? 10 : 0
}
