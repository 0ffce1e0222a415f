import type { I8Values } from '../../compact/values.ts'
import { scaleGroups } from '../../compact/values.ts'
import type { CompactDense } from '../../layouts/dense.ts'
import type { Tensor } from '../../tensor.ts'
import { quantiseColumns } from './activations.ts'

/**
 * The definition of `gemm` with i8 weights: the product of the quantised operands, row-major [M, N]. Whole numbers are
 * summed exactly for each group of columns that shares a scale; scales are multiplied and groups added in f64.
 */
export function gemmI8Reference(a: CompactDense, b: Tensor): Float64Array {
  const [m, k] = a.shape
  const n = b.shape[1]
  const { data, scales: rowScales, groupColumns } = a.values as I8Values
  const x = quantiseColumns(b)
  const groups = scaleGroups(k, groupColumns)
  return Float64Array.from({ length: m * n }, (_, at) => {
    const row = Math.floor(at / n)
    const column = at % n
    let total = 0
    for (let group = 0; group < groups; group++) {
      let sum = 0
      for (let i = group * groupColumns; i < Math.min(k, (group + 1) * groupColumns); i++)
        sum += data[row * k + i] * (x.data[i * n + column] - x.zeros[column])
      total += sum * rowScales[row * groups + group]
    }
    return total * x.scales[column]
  })
}
