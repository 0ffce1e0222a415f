import type { Bsr, Csr } from '@nnz/core'
import { blockBsr, unevenCsr, uniformCsr } from './patterns.ts'
import { readStoredWeights } from './stored-weights.ts'
import type { ProductWorkload } from './workload.ts'

/** The data of a workload at one sparsity. */
export interface Operands {
  readonly weights: Csr | Bsr
  /** Share of elements that are not stored; the elements of kept blocks are all stored. */
  readonly sparsity: number
}

/**
 * Makes the weights of a workload, always the same ones. `sparsity` is not looked at where the weights are sparse
 * already.
 *
 * @throws Error where a model or file is missing; FileFormatError where it is damaged; RangeError for a bad sparsity.
 */
export async function materialise(workload: ProductWorkload, sparsity: number): Promise<Operands> {
  const { m, k } = workload
  const weights = await makeWeights(workload, sparsity)
  if (weights.shape[0] !== m || weights.shape[1] !== k) {
    throw new RangeError(`${workload.id}: expected weights of ${m}x${k}, got ${weights.shape.join('x')}`)
  }
  return { weights, sparsity: 1 - weights.nnz / (m * k) }
}

async function makeWeights(workload: ProductWorkload, sparsity: number): Promise<Csr | Bsr> {
  const { m, k, seed, pattern } = workload
  const options = { m, k, sparsity, seed }
  switch (pattern.kind) {
    case 'uniform':
      return uniformCsr(options)
    case 'uneven':
      return unevenCsr(options)
    case 'nm':
      throw new RangeError(`${workload.id}: N:M weights are made by makeNmTask`)
    case 'block':
      return blockBsr({ ...options, blockShape: pattern.blockShape })
    case 'magnitude':
    case 'trained':
    case 'file':
      return readStoredWeights(workload, pattern, sparsity)
  }
}
