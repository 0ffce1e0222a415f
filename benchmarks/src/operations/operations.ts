import type { Workload } from '../runner/workload.ts'
import {
  attentionBackwardOperation,
  attentionOperation,
  attentionSelectionOperation,
  decodeOperation,
} from './attention.ts'
import { backpropOperation, sddmmOperation } from './backprop.ts'
import { encodeOperation } from './encode.ts'
import { generateOperation } from './generate.ts'
import { nmGemmOperation } from './nm-gemm.ts'
import type { Operation } from './operation.ts'
import { spmmOperation } from './spmm.ts'

/** Every operation of the matrix, in the order of its tables. */
export const operations: readonly Operation[] = [
  spmmOperation,
  nmGemmOperation,
  attentionOperation,
  attentionBackwardOperation,
  attentionSelectionOperation,
  decodeOperation,
  backpropOperation,
  sddmmOperation,
  encodeOperation,
  generateOperation,
]

/** The operation that a workload belongs to. */
export function operationOf({ id, operation }: Workload): Operation {
  const found = operations.find(({ name }) => name === operation)
  if (!found) throw new RangeError(`${id}: there is no operation ${operation}`)
  return found
}
