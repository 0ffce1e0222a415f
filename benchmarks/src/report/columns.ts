import type { Run } from '../records/index.ts'
import type { Environment } from '../records/schema.ts'
import { environmentFacts } from './facts.ts'
import { layoutLabel, placeName, shapeLabel } from './labels.ts'
import type { Row } from './rows.ts'

/**
 * What the page carries: every text once, and one column of numbers per field. A hundred thousand records stay below
 * some twelve megabytes and are read in a fraction of a second.
 */
export interface PageData {
  readonly runs: readonly PageRun[]
  readonly workloads: readonly PageWorkload[]
  readonly contenders: readonly PageContender[]
  /** Texts that several records share: statuses, reasons, names of peaks, verdicts. */
  readonly texts: readonly string[]
  /** Dense classes, each with a column of ratios. */
  readonly rivals: readonly string[]
  readonly over: readonly (readonly (number | null)[])[]
  readonly columns: Readonly<Record<ColumnName, readonly (number | null)[]>>
}

export interface PageRun {
  readonly path: string
  /** The machine and, unless it is Node.js, the runtime. */
  readonly place: string
  readonly runtime: string
  readonly suite: string
  readonly date: string
  readonly notes: readonly string[]
  readonly facts: readonly (readonly [string, string])[]
  readonly peaks: Environment['peaks']
}

export interface PageWorkload {
  readonly id: string
  readonly operation: string
  readonly model: string
  readonly layer: string
  readonly source: string
  readonly phase: string
  readonly pattern: string
  readonly seed: number | null
  readonly shape: string
  readonly layout: string
  readonly n: number | null
  readonly nnz: number | null
  readonly sparsity: number
  readonly flops: number
  readonly denseFlops: number
}

export interface PageContender {
  readonly label: string
  readonly type: 'kernel' | 'baseline'
  readonly class: string
  readonly method: 'dense' | 'sparse'
  readonly version: string | null
  readonly dtype: string
  readonly threads: number
}

export const COLUMNS = [
  'run',
  'workload',
  'contender',
  'status',
  'reason',
  'median',
  'low',
  'high',
  'spread',
  'bytes',
  'limit',
  'limitPeak',
  'best',
  'bestOver',
  'verdict',
  'maxAbs',
  'rms',
  'bound',
  'planning',
  'packing',
  'kernel',
  'transfer',
  'packedBytes',
  'bytesPerWeight',
  'processes',
  'samples',
] as const
export type ColumnName = (typeof COLUMNS)[number]

/** Gives each distinct value a number, in the order of appearance. */
export class Dictionary<T> {
  readonly values: T[] = []
  readonly #numbers = new Map<string, number>()

  numberOf(key: string, make: () => T): number {
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.values.push(make()) - 1
      this.#numbers.set(key, number)
    }
    return number
  }
}

export function pageDataOf(rows: readonly Row[]): PageData {
  const runs = new Dictionary<PageRun>()
  const workloads = new Dictionary<PageWorkload>()
  const contenders = new Dictionary<PageContender>()
  const texts = new Dictionary<string>()
  const text = (value: string | null | undefined) =>
    value === null || value === undefined ? null : texts.numberOf(value, () => value)
  const rivals = [...new Set(rows.flatMap(({ speedUps }) => [...speedUps.keys()]))].sort()

  const values = rows.map((row): Record<ColumnName, number | null> => {
    const { run, record, label, timing, best } = row
    return {
      run: runs.numberOf(run.path, () => pageRunOf(run)),
      workload: workloads.numberOf(`${record.operation}|${record.workload.id}`, () => pageWorkload(row)),
      contender: contenders.numberOf(`${label}|${record.contender.class}|${record.contender.version}`, () => ({
        label,
        type: record.contender.type,
        class: record.contender.class,
        method: record.contender.method,
        version: record.contender.version,
        dtype: record.contender.dtype,
        threads: record.contender.threads,
      })),
      status: text(record.status),
      reason: text(record.reason),
      median: short(timing?.median),
      low: short(timing?.interval.low),
      high: short(timing?.interval.high),
      spread: short(timing?.spread),
      bytes: short(record.bytes),
      limit: short(record.limit?.ns),
      limitPeak: text(record.limit && `${record.limit.peak}, ${record.limit.boundBy}`),
      best: short(best?.ratio),
      bestOver: text(best?.over),
      verdict: text(best?.verdict),
      maxAbs: short(record.error?.maxAbs),
      rms: short(record.error?.rms),
      bound: short(record.error?.bound),
      planning: short(record.planning),
      packing: short(record.packing),
      kernel: short(record.kernel),
      transfer: short(record.transfer),
      packedBytes: record.packedBytes,
      bytesPerWeight: short(record.bytesPerWeight),
      processes: record.samples.length,
      samples: record.samples.reduce((sum, process) => sum + process.length, 0),
    }
  })
  const columns = {} as Record<ColumnName, (number | null)[]>
  for (const name of COLUMNS) columns[name] = values.map((value) => value[name])
  return {
    runs: runs.values,
    workloads: workloads.values,
    contenders: contenders.values,
    texts: texts.values,
    rivals,
    over: rivals.map((rival) => rows.map(({ speedUps }) => short(speedUps.get(rival)?.ratio))),
    columns,
  }
}

/** What the page says of a run, of whichever kind. */
export function pageRunOf(run: Pick<Run, 'path' | 'environment' | 'unofficial'> & { partial?: boolean }): PageRun {
  const { suite, date, peaks, runtime } = run.environment
  const notes = [
    run.unofficial === null ? [] : `unofficial: ${run.unofficial}`,
    run.partial === true ? 'not finished' : [],
  ].flat()
  return {
    path: run.path,
    place: placeName(run.environment),
    runtime: runtime.name,
    suite,
    date,
    notes,
    facts: environmentFacts(run.environment),
    peaks,
  }
}

function pageWorkload({ record }: Row): PageWorkload {
  const { id, model, layer, source, phase, pattern, seed } = record.workload
  return {
    id,
    operation: record.operation,
    model,
    layer,
    source,
    phase,
    pattern,
    seed,
    shape: shapeLabel(record.problem),
    layout: layoutLabel(record.problem),
    n: record.problem.n ?? null,
    nnz: record.problem.nnz ?? null,
    sparsity: record.problem.sparsity,
    flops: record.flops,
    denseFlops: record.denseFlops,
  }
}

/** Four digits are more than any time here is good for. */
function short(value: number | null | undefined): number | null {
  return value === null || value === undefined ? null : Number(value.toPrecision(4))
}
