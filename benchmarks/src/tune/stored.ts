import type { KernelTypes } from '@nnz/core'

/**
 * Gives weights with their values in the type that a row is for. Each is made once, since many rows are for one type; those for
 * 16 bits get bf16.
 */
export function storing<W extends object, C>(
  quantise: (weights: W, options: { type: 'bf16' | 'i8' }) => C,
): (weights: W, type: KernelTypes['weights']) => W | C {
  const known = { bf16: new WeakMap<W, { readonly stored: C }>(), i8: new WeakMap<W, { readonly stored: C }>() }
  return (weights, type) => {
    if (type === 'f32') return weights
    const own = type === 'i8' ? 'i8' : 'bf16'
    const result = known[own].get(weights) ?? { stored: quantise(weights, { type: own }) }
    known[own].set(weights, result)
    return result.stored
  }
}
