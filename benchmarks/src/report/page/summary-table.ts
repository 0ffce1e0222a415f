import { percent, significant, sparsityLabel, times } from '../format.ts'
import type { PageRow } from './data.ts'
import { el } from './dom.ts'
import { type Mark, markIcon } from './marks.ts'
import type { Summary } from './series.ts'

/** One line per contender over everything that is shown: geometric means, the worst row, the crossover. */
export function summaryTable(
  lines: readonly Summary[],
  markOf: (label: string) => Mark,
  open: (row: PageRow) => void,
): HTMLElement {
  const heads = ['contender', 'over dense', 'worst row', 'crossover', 'GFLOP/s', 'of the limit', 'passed']
  const body = lines.map(({ label, speedUp, worst, crossover, gflops, limitShare, passed, total }) => {
    // A dense contender is compared with itself too: it has nothing to lose.
    const lost = (ratio: number | null | undefined) => crossover !== null && typeof ratio === 'number' && ratio < 1
    const sign = { at: '', below: '< ', above: '> ' }
    return el(
      'tr',
      {},
      el('th', { scope: 'row' }, markIcon(markOf(label)), label),
      el('td', { class: lost(speedUp) ? 'lost' : null }, times(speedUp)),
      el('td', { class: lost(worst?.ratio) ? 'lost' : null }, worst === null ? '–' : worstButton(worst, open)),
      el('td', {}, crossover === null ? '–' : `${sign[crossover.relation]}${sparsityLabel(crossover.sparsity)}`),
      el('td', {}, significant(gflops)),
      el('td', {}, percent(limitShare)),
      el('td', {}, `${passed} of ${total}`),
    )
  })
  return el(
    'table',
    {},
    el(
      'thead',
      {},
      el('tr', {}, ...heads.map((head, index) => el('th', { scope: 'col', class: index === 0 ? 'text' : null }, head))),
    ),
    el('tbody', {}, ...body),
  )
}

function worstButton(worst: NonNullable<Summary['worst']>, open: (row: PageRow) => void): HTMLElement {
  return el(
    'button',
    {
      type: 'button',
      'aria-label': `worst row, ${times(worst.ratio)}: ${worst.row.workload.id}`,
      onclick: () => open(worst.row),
    },
    times(worst.ratio),
  )
}
