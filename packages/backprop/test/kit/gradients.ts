import { type Tensor, tensor } from '@nnz/core'
import { expect } from 'vitest'
import type { ForwardOptions, Module } from '../../src/kit/index.ts'
import { Random } from '../../src/kit/index.ts'

/** A tensor of seeded normal numbers. */
export function normal(shape: readonly number[], seed: number, scale = 1): Tensor {
  const random = new Random(seed)
  return tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => scale * random.normal()),
    shape,
  )
}

/** sum(y · weights): its gradient by y are the weights. */
function objective(module: Module, x: Tensor, weights: Tensor, options: ForwardOptions): number {
  const y = module.forward(x, { ...options, save: false })
  return y.data.reduce((sum, value, i) => sum + value * weights.data[i], 0)
}

/** Central difference of an objective by one element, with a step that f32 resolves. */
function difference(values: Float32Array, at: number, step: number, evaluate: () => number): number {
  const before = values[at]
  values[at] = before + step
  const above = values[at]
  const high = evaluate()
  values[at] = before - step
  const below = values[at]
  const low = evaluate()
  values[at] = before
  return (high - low) / (above - below)
}

/**
 * Compares the gradients of a module with central differences, at up to `samples` elements of the input and of each
 * parameter. `wake` is called after a parameter was changed.
 */
export function expectGradients(
  module: Module,
  x: Tensor,
  {
    samples = 24,
    step = 2e-3,
    tolerance = 2e-3,
    input = true,
    sequenceOffsets,
  }: { samples?: number; step?: number; tolerance?: number } & ForwardOptions = {},
): void {
  const y = module.forward(x, { input, sequenceOffsets })
  const weights = normal(y.shape, 99)
  const dx = module.backward(weights, { input })
  const random = new Random(5)
  const places = (count: number) => (count <= samples ? [...Array(count).keys()] : [...random.sample(samples, count)])
  const compare = (got: number, expected: number, where: string) =>
    expect(Math.abs(got - expected), `${where}: ${got} against ${expected}`).toBeLessThan(
      tolerance * (1 + Math.abs(expected)),
    )
  if (input) {
    for (const at of places(x.data.length))
      compare(
        dx!.data[at],
        difference(x.data, at, step, () => objective(module, x, weights, { sequenceOffsets })),
        `dx[${at}]`,
      )
  } else expect(dx).toBeUndefined()
  for (const parameter of module.parameters) {
    const { name, count } = parameter
    if (count === 0) {
      expect(parameter.gradient, name).toBeUndefined()
      continue
    }
    expect(parameter.gradient, name).toHaveLength(count)
    for (const i of places(count)) {
      const expected = difference(parameter.value.data, parameter.places?.[i] ?? i, step, () => {
        parameter.version++
        return objective(module, x, weights, { sequenceOffsets })
      })
      parameter.version++
      compare(parameter.gradient![i], expected, `${name}[${i}]`)
    }
  }
}
