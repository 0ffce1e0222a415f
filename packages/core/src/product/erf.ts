/**
 * The error function in f64. Abramowitz and Stegun 7.1.5 and 7.1.14: the series converges fast for small |x|, the continued
 * fraction for large.
 */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x
  const z = Math.abs(x)
  if (z > 6) return Math.sign(x)
  if (z < 2.5) {
    let term = x
    let sum = x
    for (let n = 1; Math.abs(term) > 1e-18; n++) {
      term *= (-x * x) / n
      sum += term / (2 * n + 1)
    }
    return (2 / Math.sqrt(Math.PI)) * sum
  }
  let fraction = 0
  for (let n = 60; n > 0; n--) fraction = n / 2 / (z + fraction)
  return Math.sign(x) * (1 - Math.exp(-z * z) / (Math.sqrt(Math.PI) * (z + fraction)))
}
