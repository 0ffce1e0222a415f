import { type Csr, F32_TYPES, type Packing } from '@nnz/core'
import type { SoftmaxArguments, SoftmaxKernel } from './problem.ts'

class OffsetPacking implements Packing {
  readonly rowOffsets: Uint32Array

  constructor({ rowOffsets }: Csr) {
    this.rowOffsets = rowOffsets
  }

  get bytes(): number {
    return this.rowOffsets.byteLength
  }

  updateValues(): void {}

  dispose(): void {}
}

function forward(rowOffsets: Uint32Array, { input, out, scale }: SoftmaxArguments): void {
  for (let row = 0; row < rowOffsets.length - 1; row++) {
    const begin = rowOffsets[row]
    const end = rowOffsets[row + 1]
    let most = Number.NEGATIVE_INFINITY
    // Neither is true for NaN, which shows in the sum.
    for (let i = begin; i < end; i++) if (input[i] * scale > most) most = input[i] * scale
    let sum = 0
    for (let i = begin; i < end; i++) {
      const value = input[i] * scale
      const exponential = value === Number.NEGATIVE_INFINITY ? 0 : Math.exp(value - most)
      sum += exponential
      out[i] = exponential
    }
    const factor = sum === 0 ? 0 : 1 / sum
    for (let i = begin; i < end; i++) out[i] *= factor
  }
}

function backward(rowOffsets: Uint32Array, { input, weights, out, scale }: SoftmaxArguments): void {
  for (let row = 0; row < rowOffsets.length - 1; row++) {
    const begin = rowOffsets[row]
    const end = rowOffsets[row + 1]
    let sum = 0
    for (let i = begin; i < end; i++) sum += weights![i] * input[i]
    for (let i = begin; i < end; i++) out[i] = scale * weights![i] * (input[i] - sum)
  }
}

function row(
  operation: 'sparseSoftmax' | 'sparseSoftmaxBackward',
  apply: (rowOffsets: Uint32Array, args: SoftmaxArguments) => void,
): SoftmaxKernel {
  return {
    name: `${operation}_csr_f32__js_rows`,
    operation,
    backend: 'js',
    variant: 'js_rows',
    types: { ...F32_TYPES, accumulator: 'f64' },
    format: 'row-offsets',
    dense: false,
    supports: (problem) => problem.operation === operation || `is for ${operation}`,
    runFeatures: ({ m, nnz }) => [1, nnz, m],
    packFeatures: () => [],
    pack: (pattern) => new OffsetPacking(pattern),
    plan: (_problem, packing) => ({ run: (args) => apply((packing as OffsetPacking).rowOffsets, args) }),
  }
}

/** Plain JavaScript. */
export const jsKernels: readonly SoftmaxKernel[] = [
  row('sparseSoftmax', forward),
  row('sparseSoftmaxBackward', backward),
]
