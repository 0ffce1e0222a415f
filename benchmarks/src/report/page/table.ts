import { bytesLabel, milliseconds, percent, significant, sparsityLabel, times } from '../format.ts'
import type { PageRow } from './data.ts'
import { el } from './dom.ts'
import { type Mark, markIcon } from './marks.ts'

interface Column {
  readonly head: string
  readonly value: (row: PageRow) => number | string | null
  readonly show: (row: PageRow) => string
  readonly text?: boolean
}

const PAGE = 50

/** All records that are shown, sortable by every column, fifty at a time. */
export class RecordTable {
  readonly element: HTMLElement
  readonly #body = el('tbody')
  readonly #heads: HTMLTableCellElement[]
  readonly #position = el('span', { role: 'status' })
  readonly #back = el('button', { type: 'button', onclick: () => this.#turn(-1) }, 'Back')
  readonly #on = el('button', { type: 'button', onclick: () => this.#turn(1) }, 'Next')
  readonly #columns: readonly Column[]
  readonly #markOf: (label: string) => Mark
  readonly #open: (row: PageRow) => void
  #speedUp: (row: PageRow) => number | null = () => null
  #rows: PageRow[] = []
  #sorted = 1
  #descending = false
  #page = 0

  constructor(markOf: (label: string) => Mark, open: (row: PageRow) => void) {
    this.#markOf = markOf
    this.#open = open
    this.#columns = this.#makeColumns()
    this.#heads = this.#columns.map(({ head, text }, index) =>
      el(
        'th',
        { scope: 'col', class: text ? 'text' : null },
        el('button', { type: 'button', onclick: () => this.#sortBy(index) }, head),
      ),
    )
    this.element = el(
      'section',
      {},
      el('h2', { id: 'records' }, 'Records'),
      el(
        'div',
        { class: 'scroll', tabindex: 0, role: 'region', 'aria-labelledby': 'records' },
        el('table', {}, el('thead', {}, el('tr', {}, ...this.#heads)), this.#body),
      ),
      el('p', { class: 'pages' }, this.#back, this.#position, this.#on),
    )
  }

  #makeColumns(): Column[] {
    const number = (
      head: string,
      value: (row: PageRow) => number | null,
      show: (value: number | null) => string,
    ): Column => {
      return { head, value, show: (row) => show(value(row)) }
    }
    return [
      {
        head: 'contender',
        text: true,
        value: ({ contender }) => contender.label,
        show: ({ contender }) => contender.label,
      },
      { head: 'workload', text: true, value: ({ workload }) => workload.id, show: ({ workload }) => workload.id },
      number(
        'sparsity',
        ({ workload }) => workload.sparsity,
        (value) => sparsityLabel(value ?? 0),
      ),
      number(
        'N',
        ({ workload }) => workload.n,
        (value) => (value === null ? '' : String(value)),
      ),
      {
        head: 'ms',
        value: ({ median }) => median,
        show: ({ median, status }) => (median === null ? status : milliseconds(median)),
      },
      number('over dense', (row) => this.#speedUp(row), times),
      number('GFLOP/s', ({ gflops }) => gflops, significant),
      number('dense-equivalent', ({ denseGflops }) => denseGflops, significant),
      number('of the limit', ({ limitShare }) => limitShare, percent),
      number('spread', ({ spread }) => spread, percent),
      number('error', ({ errorShare }) => errorShare, percent),
      number('bytes per weight', ({ bytesPerWeight }) => bytesPerWeight, significant),
      number('packed', ({ packedBytes }) => packedBytes, bytesLabel),
    ]
  }

  update(rows: readonly PageRow[], speedUp: (row: PageRow) => number | null): void {
    this.#speedUp = speedUp
    this.#rows = [...rows]
    this.#page = 0
    this.#sort()
  }

  #sortBy(index: number): void {
    this.#descending = this.#sorted === index && !this.#descending
    this.#sorted = index
    this.#page = 0
    this.#sort()
  }

  /** What has no value stands last, whichever way it is sorted. */
  #sort(): void {
    const { value } = this.#columns[this.#sorted]!
    const sign = this.#descending ? -1 : 1
    const keyed = this.#rows.map((row) => ({ row, key: value(row) }))
    keyed.sort((a, b) => {
      if (a.key === null || b.key === null) return Number(a.key === null) - Number(b.key === null)
      return a.key < b.key ? -sign : a.key > b.key ? sign : a.row.index - b.row.index
    })
    this.#rows = keyed.map(({ row }) => row)
    for (const [index, head] of this.#heads.entries()) {
      if (index === this.#sorted) head.setAttribute('aria-sort', this.#descending ? 'descending' : 'ascending')
      else head.removeAttribute('aria-sort')
    }
    this.#show()
  }

  #turn(by: number): void {
    this.#page += by
    this.#show()
  }

  #show(): void {
    const first = this.#page * PAGE
    const shown = this.#rows.slice(first, first + PAGE)
    this.#body.replaceChildren(...shown.map((row) => this.#line(row)))
    this.#back.disabled = this.#page === 0
    this.#on.disabled = first + PAGE >= this.#rows.length
    this.#position.textContent =
      shown.length === 0 ? 'No records' : `${first + 1} to ${first + shown.length} of ${this.#rows.length}`
  }

  #line(row: PageRow): HTMLTableRowElement {
    const [name, ...others] = this.#columns
    const label = name!.show(row)
    return el(
      'tr',
      { class: row.status === 'passed' ? null : 'failed' },
      el(
        'th',
        { scope: 'row' },
        el('button', { type: 'button', onclick: () => this.#open(row) }, markIcon(this.#markOf(label)), label),
      ),
      ...others.map(({ show, text }) => el('td', { class: text ? 'text' : null }, show(row))),
    )
  }
}
