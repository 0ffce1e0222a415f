import type { BenchRecord, Results, Run } from '../records/index.ts'
import { overlaps, type Timing, timingOf } from '../statistics/index.ts'
import { contenderLabel, placeName, platformOf } from './labels.ts'

/** How many times as fast as the best dense contender of a class. */
export interface SpeedUp {
  /** The dense contender's label. */
  readonly over: string
  readonly ratio: number
  readonly verdict: 'faster' | 'slower' | 'no difference'
}

/** A record with what the tables show of it. */
export interface Row {
  readonly run: Run
  readonly record: BenchRecord
  readonly label: string
  /** Null unless it passed. */
  readonly timing: Omit<Timing, 'draws'> | null
  /** On the non-zeros, and as if the zeros counted. */
  readonly gflops: number | null
  readonly denseGflops: number | null
  /** The least possible time over the time. */
  readonly limitShare: number | null
  /** By class of the dense contender; one of another dtype than f32 stands under `class dtype`. */
  readonly speedUps: ReadonlyMap<string, SpeedUp>
  /** Over the fastest dense contender of the same platform and dtype, our own or another's: what headlines and crossovers use. */
  readonly best: SpeedUp | null
}

/** The newest record of every measurement in every place. Ratios are taken inside one run only. */
export function rowsOf({ runs }: Pick<Results, 'runs'>): Row[] {
  const newest = new Map<string, Run>()
  for (const run of runs) for (const { id } of run.records) newest.set(`${placeName(run.environment)}|${id}`, run)
  return runs.flatMap((run) => {
    const place = placeName(run.environment)
    const isNewest = ({ id }: BenchRecord) => newest.get(`${place}|${id}`) === run
    return [...Map.groupBy(run.records, rivalKey).values()].flatMap((group) =>
      group.some(isNewest) ? rowsOfGroup(run, group).filter(({ record }) => isNewest(record)) : [],
    )
  })
}

/** Rivals do the same work under the same conditions. */
function rivalKey({ operation, workload, cache, contender }: BenchRecord): string {
  return [operation, workload.id, cache, contender.threads].join('|')
}

function rowsOfGroup(run: Run, group: readonly BenchRecord[]): Row[] {
  const timed = group.map((record) => ({
    record,
    timing: record.status === 'passed' ? timingOf(record.samples) : null,
  }))
  const dense = timed.flatMap(({ record, timing }) =>
    timing !== null && record.contender.method === 'dense' ? [{ record, timing }] : [],
  )
  return timed.map(({ record, timing }) => rowOf(run, record, timing, dense))
}

function rowOf(
  run: Run,
  record: BenchRecord,
  timing: Timing | null,
  dense: readonly { record: BenchRecord; timing: Timing }[],
): Row {
  const { contender, cache, flops, denseFlops, limit } = record
  const label = contenderLabel(contender, cache)
  const speedUps = new Map<string, SpeedUp>()
  if (timing === null)
    return { run, record, label, timing, gflops: null, denseGflops: null, limitShare: null, speedUps, best: null }
  let best: SpeedUp | null = null
  for (const rival of dense) {
    const against = rival.record.contender
    const speedUp = compare(timing, rival.timing, contenderLabel(against, cache))
    const key = against.dtype === 'f32' ? against.class : `${against.class} ${against.dtype}`
    if (speedUp.ratio < (speedUps.get(key)?.ratio ?? Infinity)) speedUps.set(key, speedUp)
    const comparable = platformOf(against.class) === platformOf(contender.class) && against.dtype === contender.dtype
    if (comparable && speedUp.ratio < (best?.ratio ?? Infinity)) best = speedUp
  }
  const { median, interval, spread } = timing
  return {
    run,
    record,
    label,
    timing: { median, interval, spread },
    // Operations per nanosecond are GFLOP/s.
    gflops: flops / median,
    denseGflops: denseFlops / median,
    limitShare: limit === null ? null : limit.ns / median,
    speedUps,
    best,
  }
}

function compare(timing: Timing, rival: Timing, over: string): SpeedUp {
  const ratio = rival.median / timing.median
  const verdict = overlaps(timing.interval, rival.interval) ? 'no difference' : ratio > 1 ? 'faster' : 'slower'
  return { over, ratio, verdict }
}
