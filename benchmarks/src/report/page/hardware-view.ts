import { percent, significant, sparsityLabel, times } from '../format.ts'
import type { Address } from './address.ts'
import { Chart } from './chart.ts'
import type { PageRow } from './data.ts'
import { el, once, renew } from './dom.ts'
import { select } from './fields.ts'
import { distinct } from './filters.ts'
import { level, SPEED_UP_AXES } from './kernels-view.ts'
import { markIcon, markOf } from './marks.ts'
import { type SideBySide, sideBySide } from './places.ts'
import { meansOf, type Series, type Summary } from './series.ts'
import { plainTable, scrollRegion } from './sheet.ts'

const CROSSING = { at: '', below: '< ', above: '> ' }

/** Machines and browsers side by side: what each reaches over its own dense contenders. */
export function hardwareView(rows: readonly PageRow[], address: Address, open: (row: PageRow) => void): HTMLElement {
  const places = distinct(rows.map(({ run }) => run.place))
  const lines = sideBySide(rows)
  const operations = distinct(lines.map(({ operation }) => operation))
  const wanted = new URLSearchParams(location.hash.slice(1)).get('side')
  let operation = operations.find((name) => name === wanted) ?? operations[0] ?? ''
  const controlPlace = el('div')
  const table = scrollRegion('Machines side by side')
  const chart = new Chart<PageRow>({
    title: 'Speed-up against sparsity, by machine',
    note: 'Our kernels over the fastest dense contender on the same machine: dispatch where an operation has it, else all of them.',
    axes: SPEED_UP_AXES,
    markOf: (label) => markOf(places.indexOf(label)),
    nameOf: ({ contender, workload }) => `${contender.label}, ${workload.id}`,
    open,
  })

  const show = once(() => {
    address.write('hardware', new URLSearchParams({ side: operation }))
    const own = lines.filter((line) => line.operation === operation)
    table.replaceChildren(machineTable(own, places, open))
    const labels = new Set(own.map(({ label }) => label))
    const compared = rows.filter(
      ({ workload, contender, best }) =>
        best !== null && workload.operation === operation && labels.has(contender.label),
    )
    const series = [...Map.groupBy(compared, ({ run }) => run.place)].map(([label, there]): Series<PageRow> => {
      const points = there.map((row) => ({ x: row.workload.sparsity * 100, y: row.best!, item: row }))
      points.sort((a, b) => a.x - b.x)
      return { label, points, line: meansOf(points) }
    })
    chart.update({ series, guides: [level('dense', 1)] })
  })
  renew(
    controlPlace,
    el(
      'form',
      { class: 'controls', 'aria-label': 'Choice of operation', onsubmit: (event: Event) => event.preventDefault() },
      select(
        'side',
        'Compared operation',
        operations.map((name) => [name, name] as const),
        operation,
        (value) => {
          operation = value
          show()
        },
      ),
    ),
  )
  show()
  return el(
    'section',
    { id: 'hardware' },
    el('h2', {}, 'Hardware side by side'),
    el(
      'p',
      { class: 'note' },
      'Ratios are taken on one machine, in one run; times of different machines are never divided.',
    ),
    controlPlace,
    table,
    el('div', { class: 'charts' }, chart.element),
  )
}

/** Machines as columns; for each contender its means, its worst row and its crossover as rows. */
function machineTable(
  lines: readonly SideBySide[],
  places: readonly string[],
  open: (row: PageRow) => void,
): HTMLElement {
  const rows = lines.flatMap(({ label, places: known }) => {
    const row = (name: string, cell: (summary: Summary) => string | Node) => [
      `${label}: ${name}`,
      ...places.map((place) => {
        const summary = known.get(place)
        return summary === undefined ? '–' : cell(summary)
      }),
    ]
    return [
      row('over dense, geometric mean', ({ speedUp }) => times(speedUp)),
      row('worst row', ({ worst }) => (worst === null ? '–' : worstButton(worst, open))),
      row('crossover', ({ crossover }) =>
        crossover === null ? '–' : `${CROSSING[crossover.relation]}${sparsityLabel(crossover.sparsity)}`,
      ),
      row('of the limit', ({ limitShare }) => percent(limitShare)),
      row('GFLOP/s', ({ gflops }) => significant(gflops)),
    ]
  })
  return plainTable(['kernel', ...places.map(named)], rows)
}

/** A machine with the mark that the plot has for it. */
function named(place: string, index: number): HTMLElement {
  return el('span', {}, markIcon(markOf(index)), ` ${place}`)
}

function worstButton({ ratio, row }: NonNullable<Summary['worst']>, open: (row: PageRow) => void): HTMLElement {
  const label = `worst row, ${times(ratio)}: ${row.workload.id} on ${row.run.place}`
  return el('button', { type: 'button', 'aria-label': label, onclick: () => open(row) }, times(ratio))
}
