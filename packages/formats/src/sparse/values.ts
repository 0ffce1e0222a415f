/** Options of readers whose files may have no values. */
export interface PatternOptions {
  /** Gives so many values to a matrix that has none; by default each is one. */
  values?: ((count: number) => Float32Array) | undefined
}

export function ones(count: number): Float32Array {
  return new Float32Array(count).fill(1)
}
