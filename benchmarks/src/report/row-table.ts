import { paysAfter, type Section, shareOf } from './aggregate.ts'
import { environmentFacts } from './facts.ts'
import { milliseconds, NONE, percent, significant, sparsityLabel, times } from './format.ts'
import { layoutLabel, shapeLabel } from './labels.ts'
import { GENERATED, safe, table } from './markdown.ts'
import { repeatCommand } from './repeat.ts'
import type { Row, SpeedUp } from './rows.ts'

/** GitHub shows no Markdown beyond half a megabyte. */
const MOST_ROWS = 1500

interface Column {
  readonly head: string
  /** Empty where there is no time, and the column says nothing without one. */
  readonly cell: (row: Row) => string
}

/** `<machine>/<operation>.md`: every row, failures too; of a very long matrix the losses and failures. */
export function renderRows(section: Section): string {
  const { place, operation, rivals, environment, rows } = section
  const shown = rows.length <= MOST_ROWS ? rows : rows.filter(isLossOrFailure)
  const columns = columnsOf(rivals)
  const parts = [
    GENERATED,
    `# ${safe(operation)} on ${safe(place)}`,
    '[All results](../README.md). `=` marks a ratio whose intervals overlap: no difference.',
    table(['', 'captured'], environmentFacts(environment), 2),
    ...(shown === rows
      ? []
      : [
          `Of ${rows.length} rows only the losses and the failures of our kernels stand here; [the CSV](../results.csv) has all.`,
        ]),
    table(
      columns.map(({ head }) => head),
      shown.map((row) => columns.map(({ cell }) => cell(row))),
      6,
    ),
    `To measure one workload again: \`${safe(repeatCommand({ suite: environment.suite, runtime: environment.runtime.name }, operation, rows[0]!.record.workload.id))}\``,
  ]
  return `${parts.join('\n\n')}\n`
}

function isLossOrFailure({ record, timing, best }: Row): boolean {
  return record.contender.type === 'kernel' && (timing === null || best?.verdict === 'slower')
}

function columnsOf(rivals: readonly string[]): Column[] {
  return [
    { head: 'workload', cell: ({ record }) => record.workload.id },
    { head: 'shape', cell: ({ record }) => shapeLabel(record.problem) },
    { head: 'N', cell: ({ record }) => String(record.problem.n ?? NONE) },
    { head: 'sparsity', cell: ({ record }) => sparsityLabel(record.problem.sparsity) },
    { head: 'layout', cell: ({ record }) => layoutLabel(record.problem) },
    { head: 'contender', cell: ({ label }) => `\`${label}\`` },
    {
      head: 'ms',
      cell: ({ record, timing }) =>
        timing === null ? `${record.status}: ${record.reason}` : milliseconds(timing.median),
    },
    {
      head: '95 % interval',
      cell: ({ timing }) =>
        timing === null ? '' : `${milliseconds(timing.interval.low)} to ${milliseconds(timing.interval.high)}`,
    },
    { head: 'spread', cell: ({ timing }) => percent(timing?.spread) },
    { head: 'GFLOP/s', cell: ({ gflops }) => significant(gflops) },
    { head: 'dense-equivalent', cell: ({ denseGflops }) => significant(denseGflops) },
    { head: 'of the limit', cell: ({ limitShare }) => percent(limitShare) },
    ...rivals.map((rival) => ({
      head: `over ${rival} dense`,
      cell: ({ speedUps }: Row) => ratio(speedUps.get(rival)),
    })),
    { head: 'packing X', cell: ({ record, timing }) => percent(shareOf(record.packing, timing?.median)) },
    { head: 'in the kernel', cell: ({ record, timing }) => percent(shareOf(record.kernel, timing?.median)) },
    { head: 'max error', cell: ({ record }) => errorCell(record.error) },
    { head: 'bytes per weight', cell: ({ record }) => significant(record.bytesPerWeight) },
    { head: 'planning ms', cell: ({ record }) => milliseconds(record.planning) },
    { head: 'pays after', cell: (row) => runs(paysAfter(row)) },
  ]
}

/** Also where the check failed: by how much is the interesting part. */
function errorCell(error: Row['record']['error']): string {
  if (error === null) return NONE
  return `${error.maxAbs === null ? 'not finite' : error.maxAbs.toExponential(1)} of ${error.bound.toExponential(1)}`
}

function runs(count: number | null): string {
  return count === null ? NONE : `${Math.ceil(count)} runs`
}

function ratio(speedUp: SpeedUp | undefined): string {
  if (speedUp === undefined) return NONE
  return speedUp.verdict === 'no difference' ? `${times(speedUp.ratio)} =` : times(speedUp.ratio)
}
