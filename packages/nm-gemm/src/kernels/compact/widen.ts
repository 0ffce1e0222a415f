import { ConvertedPacking } from '@nnz/core'
import type { CompactNmWeights, NmProblem, NmWeights } from '../../problem.ts'
import type { F32Kernel, NmKernel } from '../types.ts'
import { otherValues, requantised, widened } from './values.ts'

/** An f32 row for f32 values only. */
export function forF32(row: F32Kernel): NmKernel {
  return {
    ...row,
    pack: (w, problem, backend) => row.pack(w as NmWeights, problem, backend),
    supports: (problem) => (problem.valueType === undefined ? row.supports(problem) : otherValues('f32', problem)),
  }
}

/** An f32 row for other values, which are widened while packing. */
export function forWidened(row: F32Kernel, type: string, isFor: (problem: NmProblem) => true | string): NmKernel {
  return {
    ...row,
    name: row.name.replace('_f32__', `_${type}__`),
    supports: (problem) => {
      const values = isFor(problem)
      return values === true ? row.supports(problem) : values
    },
    pack(w, problem, backend) {
      const weights = w as CompactNmWeights
      const inner = row.pack(widened(weights), problem, backend)
      return new ConvertedPacking(inner, (values) => widened(requantised(weights, values)).values)
    },
    plan: (problem, packing, backend) => row.plan(problem, (packing as ConvertedPacking).inner, backend),
  }
}

/** Whether a problem's values are of 16 bits; a string says that they are not. */
export function isHalf(problem: NmProblem): true | string {
  return problem.valueType === 'f16' || problem.valueType === 'bf16' || otherValues('f16 or bf16', problem)
}

/**
 * An f32 row for values of 16 bits. Right for more than a few columns, where arithmetic binds and not the bytes of the
 * weights; the packing takes as many bytes as for f32.
 */
export function forHalf(row: F32Kernel): NmKernel {
  return { ...forWidened(row, 'half', isHalf), types: { ...row.types, weights: 'half' } }
}
