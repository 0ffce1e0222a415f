import { F32_TYPES, type Packing } from '../../plan/kernel.ts'
import type { Tensor } from '../../tensor.ts'
import type { GemmArguments, GemmKernel } from './types.ts'

// V8 computes in f64 only, checks every index, and forms a typed array's address anew at each access: hence plain
// arrays of doubles, masks that spare the overflow check of an index, and a tile of two rows by three columns, whose
// loads and sums still fit into registers. Per multiplication and addition: 0.25 ns; 1x7 0.27, 3x3 0.36, in f32 0.85.

const INDEX = 0x7ffffff
/** V8 keeps up to about 2^27 doubles side by side. */
const LARGEST = 2 ** 27 - 64

function doubles(length: number): number[] {
  const array = [0.5]
  while (array.length < length) array.push(0.5)
  return array
}

/** Row-major copy of the weights. */
class RowPacking implements Packing {
  readonly values: number[]

  constructor(matrix: Tensor) {
    const [m, k] = matrix.shape
    const [rowStride, columnStride] = matrix.strides
    const data = matrix.data
    this.values = doubles(m * k)
    for (let i = 0, to = 0; i < m; i++)
      for (let j = 0; j < k; j++) this.values[to++] = data[i * rowStride + j * columnStride]
  }

  get bytes(): number {
    return 8 * this.values.length
  }

  updateValues(values: Float32Array): void {
    for (let i = 0; i < values.length; i++) this.values[i] = values[i]
  }

  dispose(): void {}
}

/** Up to `width` columns of x, from `column` on, as rows of `width`; what a row has beyond n is left as it was. */
function packPanel({ data, shape, strides }: Tensor, column: number, width: number, panel: number[]): void {
  const [k, n] = shape
  const used = Math.min(width, n - column)
  for (let i = 0, row = column * strides[1], to = 0; i < k; i++, row += strides[0], to += width) {
    for (let j = 0, from = row; j < used; j++, from += strides[1]) panel[to + j] = data[from]
  }
}

/** Two rows by three columns: `sums[3 * row + j]`. An odd last row is computed twice. */
function multiply3(
  weights: readonly number[],
  m: number,
  k: number,
  panel: readonly number[],
  sums: Float64Array,
): void {
  for (let row = 0, at = 0; row < m; row += 2, at += 6) {
    let a = (row * k) & INDEX
    let b = ((row + 1 < m ? row + 1 : row) * k) & INDEX
    let s0 = 0
    let s1 = 0
    let s2 = 0
    let t0 = 0
    let t1 = 0
    let t2 = 0
    for (let from = 0, end = a + k; a < end; a++, b++, from += 3) {
      const u = weights[a]
      const v = weights[b]
      const x0 = panel[from]
      const x1 = panel[from + 1]
      const x2 = panel[from + 2]
      s0 += u * x0
      s1 += u * x1
      s2 += u * x2
      t0 += v * x0
      t1 += v * x1
      t2 += v * x2
    }
    sums[at] = s0
    sums[at + 1] = s1
    sums[at + 2] = s2
    sums[at + 3] = t0
    sums[at + 4] = t1
    sums[at + 5] = t2
  }
}

/** Two rows by one column, otherwise as {@link multiply3}. */
function multiply1(
  weights: readonly number[],
  m: number,
  k: number,
  panel: readonly number[],
  sums: Float64Array,
): void {
  for (let row = 0; row < m; row += 2) {
    let a = (row * k) & INDEX
    let b = ((row + 1 < m ? row + 1 : row) * k) & INDEX
    let s = 0
    let t = 0
    for (let from = 0, end = a + k; a < end; a++, b++, from++) {
      const x = panel[from]
      s += weights[a] * x
      t += weights[b] * x
    }
    sums[row] = s
    sums[row + 1] = t
  }
}

function store(sums: Float64Array, width: number, column: number, { data, shape, strides }: Tensor): void {
  const [rows, columns] = shape
  const [rowStride, columnStride] = strides
  const used = Math.min(width, columns - column)
  for (let row = 0; row < rows; row++) {
    for (let j = 0, to = row * rowStride + column * columnStride; j < used; j++, to += columnStride) {
      data[to] = sums[row * width + j]
    }
  }
}

/** The plain JavaScript row. */
export const jsKernels: readonly GemmKernel[] = [
  {
    name: 'gemm_f32__js_panels',
    operation: 'gemm',
    backend: 'js',
    variant: 'js_panels',
    types: { ...F32_TYPES, accumulator: 'f64' },
    format: 'rows',
    dense: true,
    supports: ({ m, k }) =>
      (m * k <= LARGEST && 3 * k <= LARGEST) || `is for at most ${LARGEST} weights, these are ${m}x${k}`,
    runFeatures: ({ m, k, n }) => [1, m * k * n, k * n],
    packFeatures: ({ m, k }) => [m * k],
    pack: ({ matrix }) => new RowPacking(matrix),
    plan({ m, k }, packing) {
      const { values } = packing as RowPacking
      const panel = doubles(3 * k)
      const sums = new Float64Array(3 * (m + 1))
      return {
        run({ x, y }: GemmArguments): void {
          const n = x.shape[1]
          for (let column = 0, width = 3; column < n; column += width) {
            width = n - column > 1 ? 3 : 1
            packPanel(x, column, width, panel)
            if (width === 3) multiply3(values, m, k, panel, sums)
            else multiply1(values, m, k, panel, sums)
            store(sums, width, column, y)
          }
        },
      }
    },
  },
]
