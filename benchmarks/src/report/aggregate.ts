import { max, min } from 'simple-statistics'
import type { Environment, Run } from '../records/index.ts'
import { type Crossover, crossover, geometricMean, medianOrNull, type Noise, noiseOf } from '../statistics/index.ts'
import { placeName, seriesKey } from './labels.ts'
import type { Row } from './rows.ts'

/** Everything that the tables say about one operation in one place. */
export interface Section {
  /** The machine and, unless it is Node.js, the runtime. */
  readonly place: string
  readonly operation: string
  /** Of the newest run among the rows. */
  readonly environment: Environment
  readonly runs: readonly Run[]
  readonly rows: readonly Row[]
  /** Classes of dense contenders, in the order of columns. */
  readonly rivals: readonly string[]
  readonly contenders: readonly ContenderSummary[]
  readonly crossovers: readonly CrossoverLine[]
  readonly failures: readonly Failure[]
  readonly noise: Noise | null
  /** Fewest fresh processes behind a time; null where there is none. */
  readonly processes: number | null
}

/** One contender over all workloads. Means are geometric and over the workloads that passed. */
export interface ContenderSummary {
  readonly label: string
  readonly class: string
  readonly type: 'kernel' | 'baseline'
  readonly method: 'dense' | 'sparse'
  readonly passed: number
  readonly total: number
  readonly ns: number | null
  readonly gflops: number | null
  readonly denseGflops: number | null
  readonly limitShare: { readonly mean: number; readonly worst: number } | null
  readonly speedUps: ReadonlyMap<string, MeanAndWorst>
  readonly best: (MeanAndWorst & Verdicts) | null
  /** Median share of a run inside the microkernel. */
  readonly kernelShare: number | null
  readonly spread: number | null
  /** Largest share of the permitted error. */
  readonly error: number | null
  readonly bytesPerWeight: { readonly low: number; readonly high: number } | null
  /** Runs after which planning has paid for itself against the best dense contender, in the median over the workloads where it ever does. */
  readonly paysAfter: number | null
}

/** Workloads by how they compare with the fastest dense contender of the platform. */
export interface Verdicts {
  readonly faster: number
  readonly same: number
  readonly slower: number
}

export interface MeanAndWorst {
  readonly mean: number
  /** The row with the least speed-up. */
  readonly worst: Row
  readonly worstRatio: number
}

/** From which sparsity on one kernel beats the best dense contender, for one width of X. */
export interface CrossoverLine {
  readonly label: string
  readonly class: string
  readonly n: number | null
  /** Of the geometric mean over the layers, and of the layer where it crosses last. */
  readonly mean: Crossover
  readonly worst: Crossover
  readonly layers: number
}

export interface Failure {
  readonly label: string
  readonly status: string
  readonly reason: string
  readonly count: number
}

/** One section per place and operation, in alphabetical order. */
export function sectionsOf(rows: readonly Row[]): Section[] {
  const groups = Map.groupBy(rows, ({ run, record }) => `${placeName(run.environment)}\0${record.operation}`)
  return [...groups.keys()].sort().map((key) => sectionOf(groups.get(key)!))
}

function sectionOf(rows: readonly Row[]): Section {
  const runs = [...new Set(rows.map(({ run }) => run))]
  const newest = runs.at(-1)!
  const passed = rows.filter(({ timing }) => timing !== null)
  return {
    place: placeName(newest.environment),
    operation: rows[0]!.record.operation,
    environment: newest.environment,
    runs,
    rows,
    rivals: [...new Set(rows.flatMap(({ speedUps }) => [...speedUps.keys()]))].sort(ownFirst),
    contenders: summariesOf(rows),
    crossovers: crossoversOf(passed),
    failures: failuresOf(rows),
    noise: noiseOf(rows.map(({ record }) => record)),
    processes: passed.length === 0 ? null : min(passed.map(({ record }) => record.samples.length)),
  }
}

function ownFirst(a: string, b: string): number {
  return Number(b.startsWith('nnz-')) - Number(a.startsWith('nnz-')) || (a < b ? -1 : 1)
}

/** Our kernels, then baselines; inside each the sparse ones, then by speed. */
function summariesOf(rows: readonly Row[]): ContenderSummary[] {
  const rank = ({ type, method }: ContenderSummary) => (type === 'kernel' ? 0 : 2) + (method === 'sparse' ? 0 : 1)
  return [...Map.groupBy(rows, ({ label }) => label).values()]
    .map(summaryOf)
    .sort((a, b) => rank(a) - rank(b) || (a.ns ?? Infinity) - (b.ns ?? Infinity))
}

function summaryOf(rows: readonly Row[]): ContenderSummary {
  const { label, record } = rows[0]!
  const passed = rows.filter(({ timing }) => timing !== null)
  const shares = passed.flatMap(({ limitShare }) => limitShare ?? [])
  const weights = passed.flatMap((row) => row.record.bytesPerWeight ?? [])
  const errors = passed.flatMap((row) =>
    row.record.error!.bound > 0 ? row.record.error!.maxAbs! / row.record.error!.bound : [],
  )
  const classes = new Set(passed.flatMap(({ speedUps }) => [...speedUps.keys()]))
  const over = (ratioOf: (row: Row) => number | undefined) => meanAndWorst(passed, ratioOf)
  const best = over((row) => row.best?.ratio)
  const verdicts = (verdict: string) => passed.filter((row) => row.best?.verdict === verdict).length
  return {
    label,
    class: record.contender.class,
    type: record.contender.type,
    method: record.contender.method,
    passed: passed.length,
    total: rows.length,
    ns: geometricMean(passed.map(({ timing }) => timing!.median)),
    gflops: positiveMean(passed.map(({ gflops }) => gflops!)),
    denseGflops: positiveMean(passed.map(({ denseGflops }) => denseGflops!)),
    limitShare: shares.length === 0 ? null : { mean: geometricMean(shares)!, worst: min(shares) },
    speedUps: new Map([...classes].map((name) => [name, over((row) => row.speedUps.get(name)?.ratio)!])),
    best: best && { ...best, faster: verdicts('faster'), same: verdicts('no difference'), slower: verdicts('slower') },
    kernelShare: medianOrNull(passed.flatMap(({ record, timing }) => shareOf(record.kernel, timing?.median) ?? [])),
    spread: medianOrNull(passed.map(({ timing }) => timing!.spread)),
    error: errors.length === 0 ? null : max(errors),
    bytesPerWeight: weights.length === 0 ? null : { low: min(weights), high: max(weights) },
    paysAfter: medianOrNull(passed.flatMap((row) => paysAfter(row) ?? [])),
  }
}

/** Workloads that had a dense contender to compare with. */
export function compared({ faster, same, slower }: Verdicts): number {
  return faster + same + slower
}

/** A workload whose matrix is empty does no operations, and no mean of rates can count it. */
function positiveMean(values: readonly number[]): number | null {
  return geometricMean(values.filter((value) => value > 0))
}

function meanAndWorst(rows: readonly Row[], ratioOf: (row: Row) => number | undefined): MeanAndWorst | null {
  const known = rows.flatMap((row) => {
    const ratio = ratioOf(row)
    return ratio === undefined ? [] : [{ row, ratio }]
  })
  if (known.length === 0) return null
  const worst = known.reduce((a, b) => (b.ratio < a.ratio ? b : a))
  return { mean: geometricMean(known.map(({ ratio }) => ratio))!, worst: worst.row, worstRatio: worst.ratio }
}

/** A part of a time; null where either is unknown. */
export function shareOf(part: number | null, whole: number | undefined): number | null {
  return part === null || whole === undefined ? null : part / whole
}

/** Runs until the time saved against the best dense contender has made up for planning; null where nothing is saved. */
export function paysAfter({ record, timing, best }: Row): number | null {
  if (record.planning === null || timing === null || best === null || best.verdict !== 'faster') return null
  return record.planning / (timing.median * (best.ratio - 1))
}

function crossoversOf(passed: readonly Row[]): CrossoverLine[] {
  const sparse = passed.filter(({ record, best }) => record.contender.method === 'sparse' && best !== null)
  const groups = Map.groupBy(sparse, ({ label, record }) => `${label}\0${record.problem.n ?? ''}`)
  const lines = [...groups.values()].map((rows) => crossoverLine(rows))
  return lines.sort((a, b) =>
    a.class < b.class
      ? -1
      : a.class > b.class
        ? 1
        : a.label < b.label
          ? -1
          : a.label > b.label
            ? 1
            : (a.n ?? 0) - (b.n ?? 0),
  )
}

function crossoverLine(rows: readonly Row[]): CrossoverLine {
  const points = rows.map((row) => ({
    sparsity: rounded(row.record.problem.sparsity),
    speedUp: row.best!.ratio,
    series: seriesKey(row.record),
  }))
  const means = [...Map.groupBy(points, ({ sparsity }) => sparsity)].map(([sparsity, at]) => {
    return { sparsity, speedUp: geometricMean(at.map(({ speedUp }) => speedUp))! }
  })
  const layers = [...Map.groupBy(points, ({ series }) => series).values()]
  const each = layers.map((layer) => crossover(layer)!)
  const { label, record } = rows[0]!
  return {
    label,
    class: record.contender.class,
    n: record.problem.n ?? null,
    mean: crossover(means)!,
    worst: each.reduce((a, b) => (lateness(b) > lateness(a) ? b : a)),
    layers: layers.length,
  }
}

/** Sparsities of real weights are never round; a percent tells them apart well enough for a mean. */
function rounded(sparsity: number): number {
  return Math.round(sparsity * 100) / 100
}

function lateness({ sparsity, relation }: Crossover): number {
  return relation === 'above' ? 1 + sparsity : relation === 'below' ? sparsity - 1 : sparsity
}

function failuresOf(rows: readonly Row[]): Failure[] {
  const failed = rows.filter(({ record }) => record.status !== 'passed')
  const groups = Map.groupBy(failed, ({ label, record }) => [label, record.status, record.reason].join('\0'))
  return [...groups.values()].map((group) => {
    const { label, record } = group[0]!
    return { label, status: record.status, reason: record.reason!, count: group.length }
  })
}
