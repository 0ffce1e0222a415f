import { readOrder } from '../runner/elsewhere.ts'
import { measureTask } from '../runner/measure.ts'
import { peakFor, takesPart } from '../runner/run-matrix.ts'
import { makeTask } from '../runner/task.ts'
import { listWorkloads } from '../workloads/index.ts'
import { openContenders } from './setup.ts'

/** One fresh process of a run: measures all contenders of a point and prints a record on each line. */
export async function measurePoint(text: string): Promise<void> {
  const { workload: id, sparsity, suite, selection, budget, peaks, seed } = readOrder(text)
  const workload = listWorkloads({ suite, matching: [id] }).find((candidate) => candidate.id === id)
  if (!workload) throw new RangeError(`measure-point: there is no workload ${id}`)
  const { specs } = await openContenders(selection)
  const task = await makeTask(workload, sparsity)
  await measureTask(
    task,
    specs.filter((spec) => takesPart(spec, task)),
    { budget, seed, peakOf: (spec, bytes) => peakFor(spec, bytes, peaks) },
    async (record) => {
      process.stdout.write(`${JSON.stringify(record)}\n`)
    },
  )
}
