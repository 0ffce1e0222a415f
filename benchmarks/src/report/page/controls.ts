import type { PageData } from '../columns.ts'
import type { PageRow } from './data.ts'
import { el } from './dom.ts'
import { field, select } from './fields.ts'
import { distinct, type Filters, type TEXT_FILTERS } from './filters.ts'
import { type Mark, markIcon } from './marks.ts'

type Name = (typeof TEXT_FILTERS)[number]

/** The filters above the plots. Every change is reported at once. */
export function controls(
  data: PageData,
  rows: readonly PageRow[],
  filters: Filters,
  changed: (change: Partial<Filters>) => void,
): HTMLElement {
  const inSection = rows.filter(
    ({ run, workload }) => run.place === filters.machine && workload.operation === filters.operation,
  )
  const options = (values: readonly (string | number | null)[], all?: string): [string, string][] => {
    const listed = distinct(values).map((value): [string, string] => [value, value])
    return all === undefined ? listed : [['', all], ...listed]
  }
  const choice = (name: Name, label: string, list: [string, string][]) =>
    select(name, label, list, filters[name], (value) => changed({ [name]: value }))
  const input = (name: Name, label: string, properties: Record<string, string | number>) =>
    field(
      label,
      el('input', {
        ...properties,
        name,
        value: filters[name],
        oninput: (event: Event) => changed({ [name]: (event.target as HTMLInputElement).value }),
      }),
    )
  const percents = { type: 'number', min: 0, max: 100, step: 'any', inputmode: 'decimal' }
  return el(
    'form',
    { class: 'controls', 'aria-label': 'Filters', onsubmit: (event: Event) => event.preventDefault() },
    choice('machine', 'Machine', options(data.runs.map(({ place }) => place))),
    choice(
      'operation',
      'Operation',
      options(rows.filter(({ run }) => run.place === filters.machine).map(({ workload }) => workload.operation)),
    ),
    choice(
      'model',
      'Model',
      options(
        inSection.map(({ workload }) => workload.model),
        'all',
      ),
    ),
    choice(
      'pattern',
      'Pattern',
      options(
        inSection.map(({ workload }) => workload.pattern),
        'all',
      ),
    ),
    choice(
      'n',
      'N (columns)',
      options(
        inSection.map(({ workload }) => workload.n),
        'all',
      ),
    ),
    input('from', 'Sparsity from %', percents),
    input('to', 'to %', percents),
    choice('against', 'Against dense', [
      ['', 'fastest'],
      ...data.rivals.map((rival): [string, string] => [rival, rival]),
    ]),
    input('search', 'Search', { type: 'search', placeholder: 'layer, contender' }),
  )
}

/** What is drawn, as a legend that switches each on and off. */
export function legend(
  title: string,
  labels: readonly string[],
  off: ReadonlySet<string>,
  markOf: (label: string) => Mark,
  changed: (off: ReadonlySet<string>) => void,
): HTMLElement {
  const toggle = (label: string) => {
    const next = new Set(off)
    if (!next.delete(label)) next.add(label)
    changed(next)
  }
  const button = (text: string, set: ReadonlySet<string>) =>
    el('button', { type: 'button', name: text, onclick: () => changed(set) }, text)
  return el(
    'fieldset',
    { class: 'legend' },
    el('legend', {}, title),
    ...labels.map((label) =>
      el(
        'label',
        {},
        el('input', { type: 'checkbox', name: label, checked: !off.has(label), onchange: () => toggle(label) }),
        markIcon(markOf(label)),
        label,
      ),
    ),
    button('All', new Set()),
    button('None', new Set(labels)),
  )
}
