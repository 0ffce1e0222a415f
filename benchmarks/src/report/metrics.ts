/** Words in the names of metrics of which less is better; of all others more is. */
const LESS =
  /perplexity|error|loss|\bms\b|(?:^|\s)s$|bytes|\b[KMG]i?B\b|\bM?FLOPs?\b|parameters|samples|share of dense/i
/** How a metric's name goes on where it is an end of its 95 % interval. */
const [LOW, HIGH] = [' low', ' high']
/** Rates: what is gained for the quality that is lost. */
const RATE = /\/s\b/
/** Those that a reader asks for first. */
const FIRST = [/^Spearman x 100$/, /^accuracy$/, /^perplexity$/, /^cosine to dense$/]

/** Whether less of a metric is better, known by its name. */
export function lessIsBetter(metric: string): boolean {
  return LESS.test(metric) && !RATE.test(metric)
}

export function isRate(metric: string): boolean {
  return RATE.test(metric)
}

/** Metrics without the ends of their intervals, which are no metrics of their own. */
export function withoutIntervals(names: readonly string[]): string[] {
  const known = new Set(names)
  return names.filter((name) => ![LOW, HIGH].some((end) => name.endsWith(end) && known.has(name.slice(0, -end.length))))
}

/** A figure and, where it was bootstrapped, its 95 % interval. */
export interface Figure {
  readonly value: number
  readonly low?: number
  readonly high?: number
}

/** A metric of a record; null where it is not finite or not there. */
export function figureOf(metrics: Readonly<Record<string, number | null>>, name: string): Figure | null {
  const value = metrics[name] ?? null
  if (value === null) return null
  const [low, high] = [metrics[name + LOW] ?? null, metrics[name + HIGH] ?? null]
  return low === null || high === null ? { value } : { value, low, high }
}

/** What is shown first: a score of the task, where there is one, against a rate, where there is one, else against sparsity. */
export function usualAxes(metrics: readonly string[]): { y: string; x: string | null } {
  const first = FIRST.flatMap((pattern) => metrics.find((name) => pattern.test(name)) ?? [])
  const y = first[0] ?? metrics.find((name) => !isRate(name)) ?? metrics[0]!
  return { y, x: metrics.find((name) => isRate(name) && name !== y) ?? null }
}
