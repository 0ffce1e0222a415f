import { expect } from 'vitest'
import { type Tensor, tensor } from '../../src/index.ts'
import { normal } from '../problems.ts'

/** Normal numbers in a shape. */
export function draw(shape: readonly number[], seed: number, scale = 1): Tensor {
  return tensor(
    normal(
      shape.reduce((a, b) => a * b, 1),
      seed,
      scale,
    ),
    shape,
  )
}

/** The largest difference. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = 0
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) most = Math.max(most, Math.abs(a[i] - b[i]))
  return a.length === b.length ? most : Number.POSITIVE_INFINITY
}

/** Root of the mean square difference. */
export function rmsDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2
  return Math.sqrt(sum / a.length)
}

export function expectNear(actual: ArrayLike<number>, expected: ArrayLike<number>, bound = 3e-6, what = ''): void {
  expect(actual.length, what).toBe(expected.length)
  for (let i = 0; i < expected.length; i++) {
    if (Number.isFinite(expected[i])) expect(Math.abs(actual[i] - expected[i]), `${what} ${i}`).toBeLessThan(bound)
    else expect(actual[i], `${what} ${i}`).toBe(expected[i])
  }
}

/**
 * Compares a gradient with central differences of `loss`, which is in f64. Every `step`-th element is moved.
 */
export function expectGradient<T extends Record<string, Tensor>>(
  operands: T,
  gradients: { readonly [K in keyof T]?: Tensor },
  loss: (operands: T) => number,
  { by = 2 ** -8, digits = 3, step = 1 }: { by?: number; digits?: number; step?: number } = {},
): void {
  for (const [name, gradient] of Object.entries(gradients) as [keyof T & string, Tensor][]) {
    const { data, shape } = operands[name]
    for (let i = 0; i < data.length; i += step) {
      const moved = (distance: number) => {
        const copy = Float32Array.from(data)
        copy[i] += distance
        return { value: loss({ ...operands, [name]: tensor(copy, shape) }), at: copy[i] }
      }
      const [up, down] = [moved(by), moved(-by)]
      expect(gradient.data[i], `d${name}[${i}]`).toBeCloseTo((up.value - down.value) / (up.at - down.at), digits)
    }
  }
}

/** Σ a b. */
export function inner(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}
