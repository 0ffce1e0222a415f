import { ConvertedPacking } from '@nnz/core'
import type { CompactWeights, SparseWeights } from '../../problem.ts'
import type { F32Kernel, SpmmKernel } from '../types.ts'
import { isHalf, otherValues, requantised, widened } from './values.ts'

/**
 * An f32 row for values of 16 bits: they are widened while packing. Right for more than a few columns, where arithmetic
 * binds and not the bytes of the weights; the packing takes as many bytes as for f32.
 */
export function forHalf(row: F32Kernel): SpmmKernel {
  return {
    ...row,
    name: row.name.replace('_f32__', '_half__'),
    types: { ...row.types, weights: 'half' },
    supports: (problem) => (isHalf(problem) ? row.supports(problem) : otherValues('f16 or bf16', problem.valueType)),
    pack(w, problem, backend) {
      const weights = w as CompactWeights
      const inner = row.pack(widened(weights), problem, backend)
      return new ConvertedPacking(inner, (values) => widened(requantised(weights, values)).values)
    },
    plan: (problem, packing, backend) => row.plan(problem, (packing as ConvertedPacking).inner, backend),
  }
}

/** An f32 row for f32 values only. */
export function forF32(row: F32Kernel): SpmmKernel {
  return {
    ...row,
    pack: (w, problem, backend) => row.pack(w as SparseWeights, problem, backend),
    supports: (problem) =>
      problem.valueType === undefined ? row.supports(problem) : otherValues('f32', problem.valueType),
  }
}
