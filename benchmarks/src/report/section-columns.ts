import type { ContenderSummary } from './aggregate.ts'
import { milliseconds, percent, significant, times } from './format.ts'

/** A column of an operation's table. */
export interface SectionColumn {
  readonly head: string
  /** The column that goes first where there is no room; 0 always stays. */
  readonly leaves: number
  readonly cell: (contender: ContenderSummary) => string
}

const NAME: SectionColumn = { head: 'contender', leaves: 0, cell: ({ label }) => label }

/** The table of an operation on a machine: a line for each contender. */
export function sectionColumns(rivals: readonly string[]): SectionColumn[] {
  return [
    NAME,
    { head: 'ms', leaves: 0, cell: ({ ns }) => milliseconds(ns) },
    { head: 'GFLOP/s', leaves: 2, cell: ({ gflops }) => significant(gflops) },
    { head: 'dense-eq.', leaves: 6, cell: ({ denseGflops }) => significant(denseGflops) },
    { head: 'limit', leaves: 4, cell: ({ limitShare }) => percent(limitShare?.mean) },
    { head: 'over dense', leaves: 1, cell: ({ best }) => times(best?.mean) },
    { head: 'worst', leaves: 3, cell: ({ best }) => times(best?.worstRatio) },
    ...rivals.map((rival, index) => ({
      head: `/ ${rival}`,
      leaves: 9 + index,
      cell: ({ speedUps }: ContenderSummary) => times(speedUps.get(rival)?.mean),
    })),
    { head: 'spread', leaves: 7, cell: ({ spread }) => percent(spread) },
    { head: 'error', leaves: 8, cell: ({ error }) => percent(error) },
    { head: 'passed', leaves: 5, cell: ({ passed, total }) => `${passed}/${total}` },
  ]
}
