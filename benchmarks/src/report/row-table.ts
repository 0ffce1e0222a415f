import { paysAfter, type Section } from './aggregate.ts'
import { environmentFacts } from './facts.ts'
import { milliseconds, NONE, percent, significant, sparsityLabel, times } from './format.ts'
import { layoutLabel, repeatCommand, shapeLabel } from './labels.ts'
import { GENERATED, safe, table } from './markdown.ts'
import type { Row, SpeedUp } from './rows.ts'

/** `<machine>/<operation>.md`: every row, failures too. */
export function renderRows(section: Section): string {
  const { machine, operation, rivals, environment } = section
  const head = [
    'workload',
    'shape',
    'N',
    'sparsity',
    'layout',
    'contender',
    'ms',
    '95 % interval',
    'spread',
    'GFLOP/s',
    'dense-equivalent',
    'of the limit',
    ...rivals.map((rival) => `over ${rival} dense`),
    'max error',
    'bytes per weight',
    'planning ms',
    'pays after',
  ]
  const rows = section.rows.map((row) => cells(row, rivals))
  const first = section.rows[0]!
  return `${[
    GENERATED,
    `# ${operation} on ${machine}`,
    `[All results](../README.md). \`=\` marks a ratio whose intervals overlap: no difference. ${environment.source.dirty === false ? '' : 'Unofficial: the working tree differed from the commit, or the commit is unknown.'}`.trim(),
    table(
      ['', 'captured'],
      environmentFacts(environment).map((fact) => fact.map(safe)),
      2,
    ),
    table(head, rows, 5),
    `To measure one workload again: \`${safe(repeatCommand(first.record, environment))}\``,
  ].join('\n\n')}\n`
}

function cells(row: Row, rivals: readonly string[]): string[] {
  const { record, timing, label } = row
  const { workload, problem, status, reason, error, planning, bytesPerWeight } = record
  const shared = [
    workload.id,
    shapeLabel(problem),
    String(problem.n ?? NONE),
    sparsityLabel(problem.sparsity),
    layoutLabel(problem),
    `\`${safe(label)}\``,
  ]
  if (timing === null)
    return [...shared.map((cell) => cell), `${status}: ${safe(reason ?? '')}`, ...Array(9 + rivals.length).fill('')]
  const pays = paysAfter(row)
  return [
    ...shared,
    milliseconds(timing.median),
    `${milliseconds(timing.interval.low)} to ${milliseconds(timing.interval.high)}`,
    percent(timing.spread),
    significant(row.gflops),
    significant(row.denseGflops),
    percent(row.limitShare),
    ...rivals.map((rival) => ratio(row.speedUps.get(rival))),
    `${error!.maxAbs!.toExponential(1)} of ${error!.bound.toExponential(1)}`,
    significant(bytesPerWeight),
    milliseconds(planning),
    pays === null ? NONE : `${Math.ceil(pays)} runs`,
  ]
}

function ratio(speedUp: SpeedUp | undefined): string {
  if (speedUp === undefined) return NONE
  return speedUp.verdict === 'no difference' ? `${times(speedUp.ratio)} =` : times(speedUp.ratio)
}
