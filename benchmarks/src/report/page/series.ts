import { type Crossover, crossover } from '../../statistics/crossover.ts'
import { geometricMean } from '../../statistics/summary.ts'
import type { PageData } from '../columns.ts'
import type { PageRow } from './data.ts'

/** A mark that leads to an item: a record, or the records behind a mean. */
export interface Point<T> {
  readonly x: number
  readonly y: number
  /** Of y, where it was bootstrapped. */
  readonly low?: number
  readonly high?: number
  readonly item: T
}

export interface Series<T> {
  readonly label: string
  readonly points: readonly Point<T>[]
  /** Through the points, or through their means. */
  readonly line: readonly (readonly [x: number, y: number])[]
}

/** A line that is no measurement: a peak, or where dense stands. */
export interface Guide {
  readonly label: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

/** The speed-up over the chosen dense contenders: the fastest of the platform, or a class. */
export function speedUpReader(data: PageData, against: string): (row: PageRow) => number | null {
  const column = data.over[data.rivals.indexOf(against)]
  return column === undefined ? (row) => row.best : (row) => column[row.index] ?? null
}

export function speedUpSeries(rows: readonly PageRow[], speedUp: (row: PageRow) => number | null): Series<PageRow>[] {
  const sparse = rows.filter(({ contender }) => contender.method === 'sparse')
  return seriesOf(sparse, ({ workload }) => workload.sparsity * 100, speedUp, true)
}

export function limitSeries(rows: readonly PageRow[]): Series<PageRow>[] {
  const share = ({ limitShare }: PageRow) => (limitShare === null ? null : limitShare * 100)
  return seriesOf(rows, ({ workload }) => workload.sparsity * 100, share, true)
}

/** Each contender by the operations that it really does, the zeros too where it is dense. */
export function rooflineSeries(rows: readonly PageRow[]): Series<PageRow>[] {
  const done = ({ contender, workload }: PageRow) =>
    contender.method === 'dense' ? workload.denseFlops : workload.flops
  const rate = ({ contender, gflops, denseGflops }: PageRow) => (contender.method === 'dense' ? denseGflops : gflops)
  const measured = rows.filter((row) => row.bytes > 0 && done(row) > 0)
  return seriesOf(measured, (row) => done(row) / row.bytes, rate, false)
}

/** The roofs of the machine's measured peaks over a range of intensities. */
export function roofs(rows: readonly PageRow[], [low, high]: readonly [number, number]): Guide[] {
  const run = rows.reduce<PageRow['run'] | null>(
    (newest, { run }) => (newest === null || run.date > newest.date ? run : newest),
    null,
  )
  return (run?.peaks ?? []).map(({ name, threads, flopsPerSecond, bytesPerSecond }) => {
    const at = (intensity: number): [number, number] => [
      intensity,
      Math.min(flopsPerSecond, bytesPerSecond * intensity) / 1e9,
    ]
    const ridge = Math.min(Math.max(flopsPerSecond / bytesPerSecond, low), high)
    return { label: threads === 1 ? name : `${name} x${threads}`, points: [at(low), at(ridge), at(high)] }
  })
}

function seriesOf(
  rows: readonly PageRow[],
  x: (row: PageRow) => number,
  y: (row: PageRow) => number | null,
  joined: boolean,
): Series<PageRow>[] {
  return [...Map.groupBy(rows, ({ contender }) => contender.label)].flatMap(([label, own]) => {
    const points = own.flatMap((row) => {
      const value = y(row)
      return value === null || !(value > 0) ? [] : [{ x: x(row), y: value, item: row }]
    })
    points.sort((a, b) => a.x - b.x)
    return points.length === 0 ? [] : [{ label, points, line: joined ? meansOf(points) : [] }]
  })
}

/** Geometric means over the workloads of each sparsity. */
export function meansOf(points: readonly { readonly x: number; readonly y: number }[]): [number, number][] {
  const at = Map.groupBy(points, ({ x }) => Math.round(x))
  return [...at].map(([x, own]) => [x, geometricMean(own.map(({ y }) => y))!])
}

/** One contender over everything that is shown. */
export interface Summary {
  readonly label: string
  readonly passed: number
  readonly total: number
  readonly gflops: number | null
  readonly limitShare: number | null
  readonly speedUp: number | null
  readonly worst: { readonly ratio: number; readonly row: PageRow } | null
  readonly crossover: Crossover | null
}

export function summaries(rows: readonly PageRow[], speedUp: (row: PageRow) => number | null): Summary[] {
  return [...Map.groupBy(rows, ({ contender }) => contender.label)].map(([label, own]) => {
    const compared = own.flatMap((row) => {
      const ratio = speedUp(row)
      return ratio === null ? [] : [{ ratio, row }]
    })
    const mean = (values: readonly (number | null)[]) => {
      return geometricMean(values.filter((value) => value !== null && value > 0) as number[])
    }
    const points = compared.map(({ ratio, row }) => ({ x: row.workload.sparsity * 100, y: ratio }))
    const sparse = own[0]!.contender.method === 'sparse'
    return {
      label,
      passed: own.filter(({ median }) => median !== null).length,
      total: own.length,
      gflops: mean(own.map(({ gflops }) => gflops)),
      limitShare: mean(own.map(({ limitShare }) => limitShare)),
      speedUp: mean(compared.map(({ ratio }) => ratio)),
      worst: compared.length === 0 ? null : compared.reduce((a, b) => (b.ratio < a.ratio ? b : a)),
      crossover: sparse ? crossover(meansOf(points).map(([x, y]) => ({ sparsity: x / 100, speedUp: y }))) : null,
    }
  })
}
