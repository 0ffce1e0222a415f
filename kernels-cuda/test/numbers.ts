/** Numbers from -1 to 1 that a seed determines. */
export function numbers(count: number, seed: number): Float32Array {
  let state = seed
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  })
}

/** Small whole numbers: exact in every storage type, and in every order of summing. */
export function wholeNumbers(count: number, seed: number): Float32Array {
  return numbers(count, seed).map((x) => Math.round(x * 8))
}
