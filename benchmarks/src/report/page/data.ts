import type { PageContender, PageData, PageRun, PageWorkload } from '../columns.ts'

/** One record as the page shows it. Times are nanoseconds. */
export interface PageRow {
  readonly index: number
  readonly run: PageRun
  readonly workload: PageWorkload
  readonly contender: PageContender
  readonly status: string
  readonly reason: string | null
  readonly median: number | null
  readonly low: number | null
  readonly high: number | null
  readonly spread: number | null
  readonly gflops: number | null
  readonly denseGflops: number | null
  readonly limit: number | null
  readonly limitShare: number | null
  readonly limitPeak: string | null
  readonly best: number | null
  readonly bestOver: string | null
  readonly verdict: string | null
  readonly maxAbs: number | null
  readonly rms: number | null
  readonly bound: number | null
  readonly errorShare: number | null
  readonly bytes: number
  readonly planning: number | null
  readonly packing: number | null
  readonly kernel: number | null
  readonly transfer: number | null
  readonly packedBytes: number | null
  readonly bytesPerWeight: number | null
  readonly processes: number
  readonly samples: number
}

export function rowsOf(data: PageData): PageRow[] {
  const { columns, runs, workloads, contenders, texts } = data
  const text = (number: number | null | undefined) => (number === null || number === undefined ? null : texts[number]!)
  return columns.run.map((run, index) => {
    const number = (name: keyof typeof columns) => columns[name][index] ?? null
    const workload = workloads[number('workload')!]!
    const [median, limit, maxAbs, bound] = [number('median'), number('limit'), number('maxAbs'), number('bound')]
    return {
      index,
      run: runs[run!]!,
      workload,
      contender: contenders[number('contender')!]!,
      status: text(number('status'))!,
      reason: text(number('reason')),
      median,
      low: number('low'),
      high: number('high'),
      spread: number('spread'),
      gflops: over(workload.flops, median),
      denseGflops: over(workload.denseFlops, median),
      limit,
      limitShare: over(limit, median),
      limitPeak: text(number('limitPeak')),
      best: number('best'),
      bestOver: text(number('bestOver')),
      verdict: text(number('verdict')),
      maxAbs,
      rms: number('rms'),
      bound,
      errorShare: bound === 0 ? null : over(maxAbs, bound),
      bytes: number('bytes') ?? 0,
      planning: number('planning'),
      packing: number('packing'),
      kernel: number('kernel'),
      transfer: number('transfer'),
      packedBytes: number('packedBytes'),
      bytesPerWeight: number('bytesPerWeight'),
      processes: number('processes') ?? 0,
      samples: number('samples') ?? 0,
    }
  })
}

function over(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a / b
}
