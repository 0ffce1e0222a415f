import { F32_TYPES, type Packing } from '../../plan/kernel.ts'
import type { Tensor } from '../../tensor.ts'
import type { GemmArguments, GemmKernel } from './types.ts'

const { fround } = Math

/** Row-major copy of the weights. */
class RowPacking implements Packing {
  readonly values: Float32Array

  constructor(matrix: Tensor) {
    const [m, k] = matrix.shape
    const [rowStride, columnStride] = matrix.strides
    const data = matrix.data
    this.values = new Float32Array(m * k)
    for (let i = 0, to = 0; i < m; i++)
      for (let j = 0; j < k; j++) this.values[to++] = data[i * rowStride + j * columnStride]
  }

  get bytes(): number {
    return this.values.byteLength
  }

  updateValues(values: Float32Array): void {
    this.values.set(values)
  }

  dispose(): void {}
}

/** Columns `column .. column + 4` of x as rows of four without gaps; columns beyond n are zero. */
function packPanel({ data, shape, strides }: Tensor, column: number, panel: Float32Array): void {
  const [k, n] = shape
  for (let i = 0, to = 0; i < k; i++) {
    for (let j = column; j < column + 4; j++) panel[to++] = j < n ? data[i * strides[0] + j * strides[1]] : 0
  }
}

/** Two rows times four columns: eight sums in registers, six loads for eight multiplications. */
function multiplyPanel(
  weights: Float32Array,
  m: number,
  k: number,
  panel: Float32Array,
  sums: Float32Array,
  store: (row: number) => void,
): void {
  for (let row = 0; row < m; row += 2) {
    const a = row * k
    const b = row + 1 < m ? a + k : a
    let s0 = fround(0),
      s1 = fround(0),
      s2 = fround(0),
      s3 = fround(0)
    let t0 = fround(0),
      t1 = fround(0),
      t2 = fround(0),
      t3 = fround(0)
    for (let i = 0, from = 0; i < k; i++, from += 4) {
      const u = weights[a + i]
      const v = weights[b + i]
      const x0 = panel[from],
        x1 = panel[from + 1],
        x2 = panel[from + 2],
        x3 = panel[from + 3]
      s0 = fround(s0 + fround(u * x0))
      s1 = fround(s1 + fround(u * x1))
      s2 = fround(s2 + fround(u * x2))
      s3 = fround(s3 + fround(u * x3))
      t0 = fround(t0 + fround(v * x0))
      t1 = fround(t1 + fround(v * x1))
      t2 = fround(t2 + fround(v * x2))
      t3 = fround(t3 + fround(v * x3))
    }
    sums[0] = s0
    sums[1] = s1
    sums[2] = s2
    sums[3] = s3
    sums[4] = t0
    sums[5] = t1
    sums[6] = t2
    sums[7] = t3
    store(row)
  }
}

/** The plain JavaScript row. */
export const jsKernels: readonly GemmKernel[] = [
  {
    name: 'gemm_f32__js_panels',
    operation: 'gemm',
    backend: 'js',
    variant: 'js_panels',
    types: F32_TYPES,
    format: 'rows',
    dense: true,
    supports: () => true,
    runFeatures: ({ m, k, n }) => [1, m * k * Math.ceil(n / 4), k * n],
    packFeatures: ({ m, k }) => [m * k],
    pack: ({ matrix }) => new RowPacking(matrix),
    plan({ m, k }, packing) {
      const { values } = packing as RowPacking
      const panel = new Float32Array(4 * k)
      const sums = new Float32Array(8)
      return {
        run({ x, y }: GemmArguments): void {
          const n = x.shape[1]
          const [rowStride, columnStride] = y.strides
          const data = y.data
          for (let column = 0; column < n; column += 4) {
            packPanel(x, column, panel)
            const width = Math.min(4, n - column)
            multiplyPanel(values, m, k, panel, sums, (row) => {
              for (let i = 0; i < Math.min(2, m - row); i++) {
                const at = (row + i) * rowStride + column * columnStride
                for (let j = 0; j < width; j++) data[at + j * columnStride] = sums[4 * i + j]
              }
            })
          }
        },
      }
    },
  },
]
