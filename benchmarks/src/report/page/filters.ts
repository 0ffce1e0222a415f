import type { PageRow } from './data.ts'

/** What is chosen. An empty text is "all"; machine and operation are always one. */
export interface Filters {
  machine: string
  operation: string
  model: string
  pattern: string
  n: string
  /** Percent, as typed. */
  from: string
  to: string
  search: string
  /** The dense contenders that speed-ups are shown over: `` for the fastest of the platform, else a class. */
  against: string
  /** Labels of contenders that are switched off. */
  off: ReadonlySet<string>
}

export const TEXT_FILTERS = [
  'machine',
  'operation',
  'model',
  'pattern',
  'n',
  'from',
  'to',
  'search',
  'against',
] as const

export function matches(row: PageRow, filters: Filters): boolean {
  const { workload, run, contender } = row
  const percent = workload.sparsity * 100
  return (
    run.place === filters.machine &&
    workload.operation === filters.operation &&
    (filters.model === '' || workload.model === filters.model) &&
    (filters.pattern === '' || workload.pattern === filters.pattern) &&
    (filters.n === '' || String(workload.n) === filters.n) &&
    // Half a tenth of a percent: what is shown as 82.5 % is found by typing 82.5.
    (filters.from === '' || percent >= Number(filters.from) - 0.05) &&
    (filters.to === '' || percent <= Number(filters.to) + 0.05) &&
    (filters.search === '' || `${workload.id} ${contender.label}`.toLowerCase().includes(filters.search.toLowerCase()))
  )
}

/** The filters as they stand in the address. */
export function toParameters(filters: Filters): URLSearchParams {
  const parameters = new URLSearchParams()
  for (const name of TEXT_FILTERS) if (filters[name] !== '') parameters.set(name, filters[name])
  for (const label of filters.off) parameters.append('off', label)
  return parameters
}

export function fromHash(hash: string, usual: Filters): Filters {
  const parameters = new URLSearchParams(hash.replace(/^#/, ''))
  const filters = { ...usual, off: new Set(parameters.getAll('off')) }
  for (const name of TEXT_FILTERS) filters[name] = parameters.get(name) ?? usual[name]
  return filters
}

/** Distinct values in a sensible order: numbers by size, texts by alphabet. */
export function distinct(values: readonly (string | number | null)[]): string[] {
  const texts = [...new Set(values.filter((value) => value !== null).map(String))]
  return texts.sort(new Intl.Collator('en', { numeric: true }).compare)
}
