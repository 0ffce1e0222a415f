import type { Results } from '../records/index.ts'
import type { ContenderSummary, MeanAndWorst, Section } from './aggregate.ts'
import { tableFile } from './files.ts'
import { bytesRange, crossoverTable, losses, noiseSentence, processesSentence, worstRows } from './findings.ts'
import { milliseconds, NONE, percent, significant, times } from './format.ts'
import { machineLine } from './labels.ts'
import { GENERATED, list, safe, table } from './markdown.ts'
import type { QualitySection } from './quality.ts'
import { qualityParts } from './quality-tables.ts'
import { repeatCommand } from './repeat.ts'

const LINKS = '[Interactive page](index.html) · [all rows as CSV](results.csv) · [quality as CSV](quality.csv)'

const LEGEND = `**How to read this.** A time is that of a whole run, packing of the activations included, hot unless it says cold. Means are
geometric over all workloads that passed; the worst row stands in brackets and is named below. \`GFLOP/s\` counts the non-zeros,
\`dense-equivalent\` counts the zeros too. *Of the limit*: the least time that the measured peak of the machine allows, over the
time. *Over X dense*: how many times as fast as the fastest dense contender of class X in f32 (another dtype is named) on as many
threads, in the same run; \`nnz-wasm\` and \`nnz-js\` are our own, \`wasm\`, \`js\` and \`native\` those of others.
*Verdict*: workloads where it is faster / not different (95 % bootstrap intervals overlap) / slower than the fastest dense one of
its platform and dtype. *In the kernel*: the share of a run inside the
microkernel. *Spread* is the median absolute deviation, *error* the largest share of the permitted error.`

/** `results/README.md`: one section per operation and place, then what networks still do. */
export function renderReadme(
  sections: readonly Section[],
  quality: readonly QualitySection[],
  leftOut: Results['leftOut'],
  contributing: boolean,
): string {
  const parts = [GENERATED, '# Results']
  if (sections.length === 0 && quality.length === 0) parts.push('There are no records yet. `npm run bench` makes some.')
  else parts.push(contributing ? `${LINKS} · [how to contribute](CONTRIBUTING.md)` : LINKS, LEGEND)
  if (leftOut.length > 0) {
    parts.push(
      `**Left out**, because they could not be read:`,
      list(leftOut.map(({ path, reason }) => `\`${path}\`: ${safe(reason)}`)),
    )
  }
  for (const section of sections) parts.push(...sectionParts(section))
  parts.push(...qualityParts(quality))
  return `${parts.join('\n\n')}\n`
}

function sectionParts(section: Section): string[] {
  const { place, operation, environment, contenders, rivals, crossovers, failures } = section
  const parts = [
    `## ${safe(operation)} on ${safe(place)}`,
    safe(machineLine(environment)),
    list([
      ...section.runs.map((run) => {
        const marks = [
          run.unofficial === null ? '' : `**unofficial**: ${run.unofficial}`,
          run.partial ? 'not finished' : '',
        ].filter((mark) => mark !== '')
        const { date, source } = run.environment
        return `[${run.path.split('/').at(-1)}](${run.path}), ${date.slice(0, 10)}, commit ${source.commit?.slice(0, 10) ?? 'unknown'}${marks.length > 0 ? `, ${marks.join(', ')}` : ''}`
      }),
      processesSentence(section),
      ...(section.noise === null ? [] : [noiseSentence(section.noise)]),
    ]),
    contenderTable(contenders, rivals),
  ]
  const worst = worstRows(section)
  if (worst.length > 0) parts.push('**Worst rows**', list(worst.map(safe)))
  if (crossovers.length > 0)
    parts.push(
      '**Crossover**: the sparsity from which on it beats the fastest dense contender of its platform; in brackets the layer where that happens last.',
      crossoverMarkdown(crossovers),
    )
  const lost = losses(section)
  if (lost.length > 0) parts.push('**Where dense wins**', list(lost.map(safe)))
  if (failures.length > 0)
    parts.push(
      '**Without a time**',
      list(
        failures.map(
          ({ label, status, reason, count }) =>
            `\`${safe(label)}\`, ${count} ${count === 1 ? 'workload' : 'workloads'}, ${status}: ${safe(reason)}`,
        ),
      ),
    )
  parts.push(
    `[Every workload](${tableFile(section)}). To measure again: \`${safe(repeatCommand({ suite: environment.suite, runtime: environment.runtime.name }, operation))}\``,
  )
  return parts
}

function contenderTable(contenders: readonly ContenderSummary[], rivals: readonly string[]): string {
  const head = [
    'contender',
    'class',
    'ms',
    'GFLOP/s',
    'dense-equivalent',
    'of the limit',
    ...rivals.map((rival) => `over ${rival} dense`),
    'verdict',
    'in the kernel',
    'spread',
    'error',
    'bytes per weight',
    'planning pays after',
    'passed',
  ]
  const rows = contenders.map((contender) => [
    `\`${contender.label}\``,
    contender.class,
    milliseconds(contender.ns),
    significant(contender.gflops),
    significant(contender.denseGflops),
    contender.limitShare === null
      ? NONE
      : `${percent(contender.limitShare.mean)} (${percent(contender.limitShare.worst)})`,
    ...rivals.map((rival) => meanAndWorst(contender.speedUps.get(rival))),
    contender.method === 'dense' || contender.best === null
      ? NONE
      : `${contender.best.faster} / ${contender.best.same} / ${contender.best.slower}`,
    percent(contender.kernelShare),
    percent(contender.spread),
    percent(contender.error),
    bytesRange(contender.bytesPerWeight),
    contender.paysAfter === null ? NONE : `${Math.ceil(contender.paysAfter)} runs`,
    `${contender.passed} of ${contender.total}`,
  ])
  return table(head, rows, 2)
}

function meanAndWorst(value: MeanAndWorst | undefined): string {
  return value === undefined ? NONE : `${times(value.mean)} (${times(value.worstRatio)})`
}

function crossoverMarkdown(lines: Section['crossovers']): string {
  const [head = [], ...rows] = crossoverTable(lines)
  return table(head, rows, 1)
}
