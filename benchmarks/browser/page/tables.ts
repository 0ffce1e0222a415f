import type { BenchRecord, Environment } from '../../src/records/schema.ts'
import { type Section, sectionsOf } from '../../src/report/aggregate.ts'
import { crossoverTable, losses, noiseSentence, processesSentence } from '../../src/report/findings.ts'
import { NONE } from '../../src/report/format.ts'
import { el } from '../../src/report/page/dom.ts'
import { rowsOf } from '../../src/report/rows.ts'
import { sectionColumns } from '../../src/report/section-columns.ts'
import type { VariantOutcome } from './conformance.ts'

/** The tables of `nnz-bench run`, one for each operation. */
export function resultTables(environment: Environment, records: readonly BenchRecord[]): HTMLElement[] {
  const run = { path: '', environment, records, partial: false, unofficial: null }
  return sectionsOf(rowsOf({ runs: [run] })).map(sectionElement)
}

function sectionElement(section: Section): HTMLElement {
  const { operation, contenders, rivals, crossovers, failures, noise } = section
  const columns = sectionColumns(rivals)
  const facts = [
    ...losses(section).map((line) => `Dense wins: ${line}`),
    ...failures.map(({ label, status, reason, count }) => `No time: ${label}, ${count} × ${status}: ${reason}`),
    processesSentence(section),
    ...(noise === null ? [] : [noiseSentence(noise)]),
  ]
  return el(
    'section',
    {},
    el('h3', { id: `table-${operation}` }, operation),
    table(
      `table-${operation}`,
      columns.map(({ head }) => head),
      contenders.map((contender) => named(columns.map(({ cell }) => cell(contender)))),
    ),
    ...(crossovers.length > 0 ? [crossoverElement(operation, crossoverTable(crossovers))] : []),
    factList(facts),
  )
}

function crossoverElement(operation: string, [head, ...rows]: string[][]): HTMLElement {
  const id = `crossover-${operation}`
  return el('div', {}, el('h4', { id }, 'Crossover sparsity, mean (last layer)'), table(id, head!, rows.map(named)))
}

/** A table that scrolls by itself where the page is narrower; its first column names the rows. */
function table(
  labelledBy: string,
  head: readonly string[],
  rows: readonly (readonly [name: string, ...cells: (string | HTMLTableCellElement)[]])[],
): HTMLElement {
  const cell = (content: string | HTMLTableCellElement) =>
    typeof content === 'string' ? el('td', {}, content) : content
  return el(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-labelledby': labelledBy },
    el(
      'table',
      {},
      el(
        'thead',
        {},
        el('tr', {}, ...head.map((text, i) => el('th', { scope: 'col', class: i === 0 && 'text' }, text))),
      ),
      el(
        'tbody',
        {},
        ...rows.map(([name, ...cells]) => el('tr', {}, el('th', { scope: 'row' }, name), ...cells.map(cell))),
      ),
    ),
  )
}

/** Cells, the first of which names the row. */
function named([name, ...cells]: readonly string[]): [string, ...string[]] {
  return [name!, ...cells]
}

/** Remarks under a table. */
function factList(facts: readonly string[]): HTMLElement {
  return el('ul', { class: 'facts' }, ...facts.map((fact) => el('li', {}, fact)))
}

/** Packages by kinds of kernels; failures stand below, in words. */
export function conformanceTable(outcomes: readonly VariantOutcome[], skipped: readonly string[]): HTMLElement[] {
  const variants = [...new Set(outcomes.map(({ variant }) => variant))]
  const packages = [...new Set(outcomes.map((outcome) => outcome.package))].sort()
  const cellOf = (name: string, variant: string) => {
    const found = outcomes.filter((outcome) => outcome.package === name && outcome.variant === variant)
    if (found.length === 0) return variants.length > 1 ? `with ${variants[0]}` : NONE
    const count = (of: 'passed' | 'failed') => found.reduce((sum, outcome) => sum + outcome[of], 0)
    return count('failed') === 0
      ? `${count('passed')} passed`
      : el('td', { class: 'wrong' }, `${count('failed')} of ${count('passed') + count('failed')} failed`)
  }
  const failures = outcomes.flatMap(({ variant, failures }) => failures.map((failure) => `${variant}: ${failure}`))
  const rows = packages.map((name) => [name, ...variants.map((variant) => cellOf(name, variant))] as const)
  return [table('checks-note', ['package', ...variants], rows), factList([...skipped, ...failures])]
}
