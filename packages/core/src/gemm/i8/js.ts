import type { I8Values } from '../../compact/values.ts'
import { scaleGroups } from '../../compact/values.ts'
import { dense } from '../../layouts/dense.ts'
import type { Packing } from '../../plan/kernel.ts'
import type { GemmArguments } from '../kernels/types.ts'
import { quantiseColumns } from './activations.ts'
import { type GemmI8Kernel, type GemmI8Weights, I8_TYPES, MOST_COLUMNS } from './types.ts'

class IntegerPacking implements Packing {
  #values: I8Values
  readonly #shape: readonly [number, number]

  constructor({ matrix }: GemmI8Weights) {
    this.#values = matrix.values as I8Values
    this.#shape = matrix.shape
  }

  get values(): I8Values {
    return this.#values
  }

  get bytes(): number {
    return this.#values.data.byteLength + this.#values.scales.byteLength
  }

  updateValues(values: Float32Array): void {
    const scales = { columns: this.#values.groupColumns }
    this.#values = dense.quantise(dense({ shape: this.#shape, values }), { type: 'i8', scales }).values as I8Values
  }

  dispose(): void {}
}

/** One row by one column of activations, without scales: whole numbers in i32. */
function dot(weights: Int8Array, from: number, x: Int32Array, begin: number, end: number): number {
  let sum = 0
  for (let i = begin; i < end; i++, from++) sum = (sum + weights[from] * x[i]) | 0
  return sum
}

/** Plain JavaScript: the fallback. */
export const jsI8Kernels: readonly GemmI8Kernel[] = [
  {
    name: 'gemm_i8__js_rows',
    operation: 'gemm',
    backend: 'js',
    variant: 'js_rows',
    types: I8_TYPES,
    format: 'dense-i8-rows',
    dense: true,
    supports: ({ k }) => k <= MOST_COLUMNS || `sums of ${k} products may leave i32, those of ${MOST_COLUMNS} do not`,
    runFeatures: ({ m, k, n }) => [1, m * k * n, k * n],
    packFeatures: ({ m, k }) => [m * k],
    pack: (weights) => new IntegerPacking(weights),
    plan({ m, k }, packing) {
      const column = new Int32Array(k)
      return {
        run({ x, y }: GemmArguments): void {
          const { data: weights, scales, groupColumns } = (packing as IntegerPacking).values
          const groups = scaleGroups(k, groupColumns)
          const n = x.shape[1]
          const quantised = quantiseColumns(x)
          const { data } = y
          const [rowStride, columnStride] = y.strides
          for (let j = 0; j < n; j++) {
            for (let i = 0; i < k; i++) column[i] = quantised.data[i * n + j] - quantised.zeros[j]
            for (let row = 0; row < m; row++) {
              let total = 0
              for (let group = 0; group < groups; group++) {
                const begin = group * groupColumns
                const sum = dot(weights, row * k + begin, column, begin, Math.min(k, begin + groupColumns))
                total += sum * scales[row * groups + group]
              }
              data[row * rowStride + j * columnStride] = total * quantised.scales[j]
            }
          }
        },
      }
    },
  },
]
