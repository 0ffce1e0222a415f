import type { Crossover, Noise } from '../statistics/index.ts'
import { type ContenderSummary, type CrossoverLine, compared, type Section } from './aggregate.ts'
import { NONE, percent, significant, times } from './format.ts'

/** The row of each of our sparse kernels that compares worst with the fastest dense contender of its platform. */
export function worstRows({ contenders }: Section): string[] {
  return contenders.flatMap(({ label, type, method, best }) => {
    if (type !== 'kernel' || method !== 'sparse' || best === null) return []
    return [`${label}: ${times(best.worstRatio)} over ${best.worst.best!.over} at ${best.worst.record.workload.id}`]
  })
}

/** Which of our kernels lose to dense, how often, and where by most. */
export function losses({ contenders }: Section): string[] {
  return contenders.flatMap(({ label, type, method, best }) => {
    if (type !== 'kernel' || method !== 'sparse' || best === null || best.slower === 0) return []
    return [
      `${label}: slower on ${best.slower} of ${compared(best)} workloads, by most at ${best.worst.record.workload.id} (${times(best.worstRatio)})`,
    ]
  })
}

export function noiseSentence({ median, p95, count, between }: Noise): string {
  const source =
    between === 'processes'
      ? 'fresh processes'
      : 'the first and the second half of the samples of one process, which hides what differs between processes'
  return `A/A noise: the same contender measured twice differs by ${percent(median - 1)} in the median and by ${percent(p95 - 1)} in one case of twenty (${count} records, between ${source}).`
}

export function processesSentence({ processes }: Section): string {
  if (processes === null) return 'Nothing passed.'
  if (processes >= 5) return `Every time comes from at least ${processes} fresh processes.`
  return `${processes === 1 ? 'One process' : `${processes} processes`} per contender: no headline figures, which need five.`
}

export function crossoverLabel({ sparsity, relation }: Crossover): string {
  const whole = `${Math.round(sparsity * 100)} %`
  return relation === 'at' ? whole : `${relation === 'below' ? '<' : '>'} ${whole}`
}

/** Kernels by widths of X; the first row is the head. */
export function crossoverTable(lines: readonly CrossoverLine[]): string[][] {
  const widths = [...new Set(lines.map(({ n }) => n))].sort((a, b) => (a ?? 0) - (b ?? 0))
  const byLabel = Map.groupBy(lines, ({ label }) => label)
  const rows = [...byLabel].map(([label, own]) => {
    return [
      label,
      ...widths.map((width) => {
        const line = own.find(({ n }) => n === width)
        if (line === undefined) return NONE
        return `${crossoverLabel(line.mean)} (${crossoverLabel(line.worst)})`
      }),
    ]
  })
  return [['contender', ...widths.map((n) => (n === null ? 'all' : `N = ${n}`))], ...rows]
}

export function bytesRange(range: ContenderSummary['bytesPerWeight']): string {
  if (range === null) return NONE
  const [low, high] = [significant(range.low), significant(range.high)]
  return low === high ? low : `${low} to ${high}`
}
