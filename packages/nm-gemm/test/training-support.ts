import { type Tensor, tensor } from '@nnz/core'

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A matrix with elements in -1..1. */
export function randomMatrix(rows: number, columns: number, random: () => number): Tensor {
  return tensor(
    Float32Array.from({ length: rows * columns }, () => 2 * random() - 1),
    [rows, columns],
  )
}

/** The most ones that a group of m neighbours of a row has. */
export function mostInGroup(mask: ArrayLike<number>, [rows, columns]: readonly number[], m: number): number {
  let most = 0
  for (let row = 0; row < rows; row++)
    for (let start = 0; start < columns; start += m) {
      let count = 0
      for (let i = start; i < Math.min(start + m, columns); i++) if (mask[row * columns + i] !== 0) count++
      most = Math.max(most, count)
    }
  return most
}

export function transposedArray(data: ArrayLike<number>, [rows, columns]: readonly number[]): Float64Array {
  const result = new Float64Array(data.length)
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) result[column * rows + row] = data[row * columns + column]
  return result
}
