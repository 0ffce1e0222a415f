import { type Backend, runsOn } from '@nnz/core'
import { listModels } from '../models/index.ts'
import { listWorkloads, type Operation, operations, type Suite } from '../operations/index.ts'
import { openBaselines } from '../runner/run-matrix.ts'
import { openBackends } from './setup.ts'

/** Prints what can be measured here: kernels, workloads, baselines, each with the reason where it cannot. */
export async function list(suite: Suite): Promise<void> {
  const backends = await openBackends({ threads: [1] })
  for (const operation of operations) await listOperation(operation, suite, backends)
  console.log('Models')
  for (const status of await listModels())
    console.log(`  ${status.model.name}  ${status.present ? 'in the cache' : 'not fetched'}`)
}

async function listOperation(operation: Operation, suite: Suite, backends: readonly Backend[]): Promise<void> {
  console.log(`Kernels of ${operation.name}`)
  for (const kernel of operation.kernels) {
    const here = backends.some((backend) => runsOn(kernel, backend))
    console.log(`  ${kernel.name}${here ? '' : '  (not on this host as it is configured)'}`)
  }
  console.log(`Workloads of ${operation.name} in the ${suite} suite`)
  for (const { workload, missing } of listWorkloads({ suite, operations: [operation.name], includeMissing: true })) {
    const sparsities = workload.sparsities.map((sparsity) => sparsity.toFixed(2)).join(' ')
    console.log(`  ${workload.id}  ${sparsities}${missing ? `  (${missing})` : ''}`)
  }
  console.log(`Baselines of ${operation.name}`)
  for (const baseline of operation.baselines) {
    const { missing } = await openBaselines([baseline], [1])
    console.log(`  ${baseline.name}${missing.length > 0 ? `  (missing: ${missing[0].reason})` : ''}`)
  }
}
