import type { PageRow } from './data.ts'
import { type Summary, summaries } from './series.ts'

/** One of our contenders in an operation, in every place where it was measured. */
export interface SideBySide {
  readonly operation: string
  readonly label: string
  readonly places: ReadonlyMap<string, Summary>
}

/** What automatic dispatch chooses, where an operation has it; else each of our sparse kernels. */
export function sideBySide(rows: readonly PageRow[]): SideBySide[] {
  const ours = rows.filter(({ contender }) => contender.type === 'kernel' && contender.method === 'sparse')
  return [...Map.groupBy(ours, ({ workload }) => workload.operation)].sort(byKey).flatMap(([operation, own]) => {
    const chosen = own.filter(({ contender }) => contender.label.startsWith('auto__'))
    const byLabel = Map.groupBy(chosen.length > 0 ? chosen : own, ({ contender }) => contender.label)
    return [...byLabel].sort(byKey).map(([label, members]) => ({
      operation,
      label,
      places: new Map(
        [...Map.groupBy(members, ({ run }) => run.place)].map(([place, there]) => [
          place,
          summaries(there, ({ best }) => best)[0]!,
        ]),
      ),
    }))
  })
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0
}
