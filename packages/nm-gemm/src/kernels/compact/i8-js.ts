import { I8_TYPES, roundedColumns } from '@nnz/core'
import { jsKernels } from '../js.ts'
import type { F32Kernel, NmKernel } from '../types.ts'
import { otherValues } from './values.ts'
import { forWidened } from './widen.ts'

/** An f32 row with both operands rounded to what i8 weights and quantised activations stand for: sums are in f64. */
function forI8(row: F32Kernel): NmKernel {
  const widening = forWidened(row, 'i8', (problem) => problem.valueType === 'i8' || otherValues('i8', problem))
  return {
    ...widening,
    types: { ...I8_TYPES, accumulator: 'f64' },
    plan(problem, packing, backend) {
      const inner = widening.plan(problem, packing, backend)
      return { run: (args) => inner.run({ ...args, x: roundedColumns(args.x) }) }
    },
  }
}

/** Plain JavaScript; w as it is, since its scales belong to its rows. */
export const jsI8Kernels: readonly NmKernel[] = jsKernels.filter(({ operation }) => operation === 'nmGemm').map(forI8)
