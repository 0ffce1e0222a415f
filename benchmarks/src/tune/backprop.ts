import { type SddmmKernel, type SddmmProblem, sddmm, sddmmKernels, sddmmProblem } from '@nnz/backprop'
import { type Tensor, transposed } from '@nnz/core'
import { place, release } from '../runner/kernels.ts'
import type { TuneFamily } from './family.ts'
import { tuneProblems } from './problems.ts'

/** Sampled products. */
export const sddmmFamily: TuneFamily<SddmmKernel, SddmmProblem> = {
  module: 'packages/backprop/src/cost-model.ts',
  kernels: sddmmKernels,
  *cases(kernel) {
    for (const { weights, n } of tuneProblems(kernel.name.includes('_bsr_') ? 'bsr' : 'csr')) {
      const problem = sddmmProblem(weights, n)
      if (kernel.supports(problem) !== true) continue
      const [m, k] = weights.shape
      yield {
        problem,
        packed: weights,
        flops: 2 * n * (kernel.dense ? m * k : weights.nnz),
        plan(backend) {
          const plan = sddmm.plan(weights, { columns: n, backend, kernel: kernel.name })
          let operands: readonly Tensor[] = []
          return {
            ready() {
              const a = place([m, n], backend, 'resident')
              const b = place([k, n], backend, 'resident')
              const out = place([weights.values.length], backend, 'resident')
              operands = [a, b, out]
              for (const { data } of [a, b]) data.fill(1)
              return () => {
                plan.run(a, transposed(b), { out: out.data })
              }
            },
            dispose() {
              plan.dispose()
              release(...operands)
            },
          }
        },
      }
    }
  },
}
