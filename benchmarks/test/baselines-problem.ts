import { makeSpmmTask, type SpmmTask } from '../src/products/task.ts'
import { createWorkload } from '../src/products/workload.ts'
import { type BenchRecord, recordSchema } from '../src/records/schema.ts'
import type { ContenderSpec } from '../src/runner/contender.ts'
import { measureTask } from '../src/runner/measure.ts'
import type { Task } from '../src/runner/task.ts'

/** A product that takes microseconds: weights [72, 40] at 75 %. */
export function problem(pattern: 'uniform' | 'block', n: number): Promise<SpmmTask> {
  const workload = createWorkload({
    model: 'test',
    layer: 'small',
    source: 'a test',
    phase: 'decode',
    m: 72,
    k: 40,
    n,
    layout: pattern === 'block' ? 'bsr' : 'csr',
    pattern: pattern === 'block' ? { kind: 'block', blockShape: [8, 4] } : { kind: 'uniform' },
    sparsities: [0.75],
  })
  return makeSpmmTask(workload, 0.75)
}

/** What the harness records of a contender, checks included. */
export async function recordOf<T extends Task>(spec: ContenderSpec<T>, task: T | Promise<T>): Promise<BenchRecord> {
  const records: BenchRecord[] = []
  const options = { budget: { sampling: 2, warmup: 1, rounds: 1 }, peakOf: () => undefined, seed: 1 }
  await measureTask(await task, [spec], options, async (record) => {
    records.push(recordSchema.parse(record))
  })
  return records[0]
}

/** `f32 t1`: what distinguishes the contenders of a baseline. */
export function contendersOf(specs: readonly ContenderSpec[]): string[] {
  return specs.map(({ contender }) => `${contender.dtype} t${contender.threads}`)
}
