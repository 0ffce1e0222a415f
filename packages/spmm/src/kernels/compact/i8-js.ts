import { I8_TYPES, roundedColumns } from '@nnz/core'
import { jsKernels } from '../js.ts'
import type { F32Kernel, SpmmKernel } from '../types.ts'
import { otherValues } from './values.ts'
import { forHalf } from './widen.ts'

/** An f32 row with both operands rounded to what i8 weights and quantised activations stand for: sums are in f64. */
function forI8(row: F32Kernel): SpmmKernel {
  const widening = forHalf(row)
  return {
    ...widening,
    name: row.name.replace('_f32__', '_i8__'),
    types: { ...I8_TYPES, accumulator: 'f64' },
    supports: (problem) => (problem.valueType === 'i8' ? row.supports(problem) : otherValues('i8', problem.valueType)),
    plan(problem, packing, backend) {
      const inner = widening.plan(problem, packing, backend)
      return { run: (args) => inner.run({ ...args, x: roundedColumns(args.x) }) }
    },
  }
}

/** Plain JavaScript. */
export const jsI8Kernels: readonly SpmmKernel[] = jsKernels.map(forI8)
