import { listWorkloads, operationOf } from '../operations/index.ts'
import { readOrder } from '../runner/elsewhere.ts'
import { measureTask } from '../runner/measure.ts'
import { peakFor, takesPart } from '../runner/run-matrix.ts'
import { openContenders } from './setup.ts'

/** One fresh process of a run: measures all contenders of a point and prints a record on each line. */
export async function measurePoint(text: string): Promise<void> {
  const { workload: id, sparsity, suite, selection, budget, peaks, seed } = readOrder(text)
  const found = listWorkloads({ suite, matching: [id] }).find(({ workload }) => workload.id === id)
  if (!found) throw new RangeError(`measure-point: there is no workload ${id}`)
  const operation = operationOf(found.workload)
  const { specs } = await openContenders(operation, selection)
  const task = await operation.makeTask(found.workload, sparsity)
  await measureTask(
    task,
    specs.filter((spec) => takesPart(spec, task)),
    { budget, seed, peakOf: (spec, bytes) => peakFor(spec, bytes, peaks) },
    async (record) => {
      process.stdout.write(`${JSON.stringify(record)}\n`)
    },
  )
}
