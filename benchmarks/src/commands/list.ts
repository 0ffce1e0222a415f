import { runsOn } from '@nnz/core'
import { kernels } from '@nnz/spmm'
import { listModels } from '../models/index.ts'
import { openBaselines } from '../runner/run-matrix.ts'
import { listWorkloads, missingFor, type Suite } from '../workloads/index.ts'
import { chosenBaselines, openBackends } from './setup.ts'

/** Prints what can be measured here: kernels, workloads, baselines, each with the reason where it cannot. */
export async function list(suite: Suite): Promise<void> {
  const backends = await openBackends({ threads: [1] })
  console.log('Kernels')
  for (const kernel of kernels) {
    const here = backends.some((backend) => runsOn(kernel, backend))
    console.log(`  ${kernel.name}${here ? '' : '  (not on this host as it is configured)'}`)
  }
  console.log(`Workloads of the ${suite} suite`)
  for (const workload of listWorkloads({ suite, includeMissing: true })) {
    const missing = missingFor(workload)
    console.log(
      `  ${workload.id}  ${workload.sparsities.map((s) => s.toFixed(2)).join(' ')}${missing ? `  (${missing})` : ''}`,
    )
  }
  console.log('Baselines')
  for (const baseline of chosenBaselines(undefined)) {
    const { missing } = await openBaselines([baseline], [1])
    console.log(`  ${baseline.name}${missing.length > 0 ? `  (missing: ${missing[0].reason})` : ''}`)
  }
  console.log('Models')
  for (const status of await listModels())
    console.log(`  ${status.model.name}  ${status.present ? 'in the cache' : 'not fetched'}`)
}
