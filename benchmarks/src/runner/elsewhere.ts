import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ContenderSelection } from '../commands/setup.ts'
import { type BenchRecord, type Peak, parseWith, peakSchema, recordSchema } from '../records/schema.ts'
import type { Budget } from './measure.ts'
import type { Point } from './run-matrix.ts'
import { pointId } from './workload.ts'

/** What a fresh process is told: everything but the point is that of the run. */
export interface PointOrder {
  readonly workload: string
  readonly sparsity: number
  readonly suite: 'quick' | 'full'
  readonly selection: ContenderSelection
  readonly budget: Budget
  readonly peaks: readonly Peak[]
  readonly seed: number
}

const CLI = fileURLToPath(new URL('../../bin/nnz-bench.js', import.meta.url))

/** Measures a point in a fresh process, and returns its records. */
export async function measureElsewhere(
  { workload, sparsity }: Point,
  order: Omit<PointOrder, 'workload' | 'sparsity'>,
): Promise<BenchRecord[]> {
  const whole: PointOrder = { ...order, workload: workload.id, sparsity }
  const child = spawn(process.execPath, [CLI, 'measure-point', JSON.stringify(whole)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (text: string) => {
    output += text
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (code !== 0) throw new Error(`measuring ${pointId(workload, sparsity)} in a fresh process ended with code ${code}`)
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => parseWith(recordSchema, JSON.parse(line), `record of ${workload.id}`))
}

/** The peaks of an order, checked: the text comes from another process. */
export function readOrder(text: string): PointOrder {
  const order = JSON.parse(text) as PointOrder
  return { ...order, peaks: order.peaks.map((peak) => parseWith(peakSchema, peak, 'peak')) }
}
