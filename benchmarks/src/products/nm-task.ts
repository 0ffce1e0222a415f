import { type Nm, type Nmg, nm, nmg } from '@nnz/core'
import { seededValues } from '../random.ts'
import { type ProductTask, productTask } from './task.ts'
import type { ProductWorkload } from './workload.ts'

/** A product whose weights keep n of each m. */
export interface NmTask extends ProductTask {
  readonly weights: Nm | Nmg
}

/** Makes the task of a workload: random weights of which the largest of each group are kept. */
export async function makeNmTask(workload: ProductWorkload): Promise<NmTask> {
  const { m, k, seed, pattern, id } = workload
  if (pattern.kind !== 'nm') throw new RangeError(`${id}: expected an N:M pattern, got ${pattern.kind}`)
  const { n, m: of, g } = pattern
  const dense = seededValues(m * k, seed)
  const weights = g === 1 ? nm.fromDense(dense, [m, k], { n, m: of }) : nmg.fromDense(dense, [m, k], { n, m: of, g })
  const indexBytes = Math.ceil(((weights.nnz / g) * Math.ceil(Math.log2(of))) / 8)
  const task = productTask(workload, {
    nnz: weights.nnz,
    sparseBytes: 4 * weights.nnz + indexBytes,
    layout: { layout: weights.layout, pattern: g === 1 ? `${n}:${of}` : `${n}:${of}, ${g} rows` },
    csr: () => (weights.layout === 'nm' ? nm.toCsr(weights) : nmg.toCsr(weights)),
  })
  return { ...task, weights }
}
