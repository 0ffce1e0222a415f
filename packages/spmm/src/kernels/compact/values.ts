import { bsr, type CompactType, csr, quantiseOptionsOf } from '@nnz/core'
import type { AnyWeights, CompactWeights, SparseWeights, SpmmProblem } from '../../problem.ts'

/** Whether a problem's values are of 16 bits. */
export function isHalf({ valueType }: SpmmProblem): boolean {
  return valueType === 'f16' || valueType === 'bf16'
}

/** Reason why a row for other values does not apply. */
export function otherValues(wanted: string, type: CompactType | undefined): string {
  return `is for ${wanted} values, these are ${type ?? 'f32'}`
}

/** The same weights with f32 values. */
export function widened(w: AnyWeights): SparseWeights {
  return w.layout === 'csr' ? csr.toFloat32(w) : bsr.toFloat32(w)
}

/** The weights with other values, given in f32 and in canonical order, stored as those of w are. */
export function requantised(w: CompactWeights, values: Float32Array): CompactWeights {
  const options = quantiseOptionsOf(w.values)
  return w.layout === 'csr'
    ? csr.quantise(csr({ ...w, values }), options)
    : bsr.quantise(bsr({ ...w, values }), options)
}

/** Stored numbers in the order of entries. */
export function inOrder(numbers: Uint16Array, order: Uint32Array | undefined): Uint16Array
export function inOrder(numbers: Int8Array, order: Uint32Array | undefined): Int8Array
export function inOrder(numbers: Uint16Array | Int8Array, order: Uint32Array | undefined): Uint16Array | Int8Array {
  if (!order) return numbers
  const result = numbers instanceof Int8Array ? new Int8Array(order.length) : new Uint16Array(order.length)
  for (let i = 0; i < order.length; i++) result[i] = numbers[order[i]]
  return result
}
