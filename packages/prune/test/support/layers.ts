import { Random } from '@nnz/backprop/kit'
import type { LayerWeights } from '../../src/index.ts'

/** A layer with normally distributed weights. */
export function randomLayer(rows: number, columns: number, seed: number): LayerWeights {
  const random = new Random(seed)
  return { rows, columns, weights: Float32Array.from({ length: rows * columns }, () => random.normal()) }
}

/** Inputs, [tokens, columns], with scales and means that differ much, and correlated with their neighbours. */
export function randomInputs(tokens: number, columns: number, seed: number): Float32Array {
  const random = new Random(seed, 1)
  const scales = Array.from({ length: columns }, () => 10 ** random.normal())
  const means = Array.from({ length: columns }, () => random.normal())
  const x = new Float32Array(tokens * columns)
  for (let token = 0; token < tokens; token++) {
    let previous = 0
    for (let i = 0; i < columns; i++) {
      previous = 0.5 * previous + random.normal()
      x[token * columns + i] = scales[i] * (previous + means[i])
    }
  }
  return x
}

/** Sums over tokens in f64. */
export function moments(x: Float32Array, columns: number) {
  const tokens = x.length / columns
  const squaredNorms = new Float64Array(columns)
  const means = new Float64Array(columns)
  const gram = new Float32Array(columns * columns)
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = 0
      for (let t = 0; t < tokens; t++) sum += x[t * columns + i] * x[t * columns + j]
      gram[i * columns + j] = sum
    }
    squaredNorms[i] = gram[i * columns + i]
    for (let t = 0; t < tokens; t++) means[i] += x[t * columns + i] / tokens
  }
  return { tokens, squaredNorms, means, gram }
}

/** Squared error of each row's output for given inputs, in f64. */
export function rowErrors({ weights, rows, columns }: LayerWeights, pruned: Float32Array, x: Float32Array): number[] {
  return Array.from({ length: rows }, (_, row) => {
    let sum = 0
    for (let t = 0; t < x.length; t += columns) {
      let difference = 0
      for (let i = 0; i < columns; i++)
        difference += (weights[row * columns + i] - pruned[row * columns + i]) * x[t + i]
      sum += difference * difference
    }
    return sum
  })
}

/** Sum of numbers. */
export function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
