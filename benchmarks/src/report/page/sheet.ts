import type { PageRun } from '../columns.ts'
import { NONE } from '../format.ts'
import { el } from './dom.ts'

export type Facts = readonly (readonly [name: string, value: string | Node | null])[]

/** What a point leads to. */
export interface Sheet {
  readonly title: string
  readonly parts: readonly Node[]
}

/** Shows one sheet over the page. */
export class SheetDialog {
  readonly element = el('dialog', { 'aria-labelledby': 'sheet-title' })

  constructor() {
    // A click on the backdrop arrives at the dialog itself.
    this.element.addEventListener('click', (event) => {
      if (event.target === this.element) this.element.close()
    })
  }

  open({ title, parts }: Sheet): void {
    this.element.replaceChildren(
      el(
        'div',
        { class: 'sheet' },
        el(
          'div',
          { class: 'sheet-head' },
          el('h2', { id: 'sheet-title' }, title),
          el('button', { type: 'button', onclick: () => this.element.close() }, 'Close'),
        ),
        ...parts,
      ),
    )
    this.element.showModal()
    this.element.scrollTop = 0
  }
}

export function facts(list: Facts): HTMLElement {
  const known = list.filter(([, value]) => value !== null && value !== NONE)
  return el('dl', {}, ...known.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]))
}

/** How to measure it again; nothing where that is not known. */
export function command(text: string | null): Node[] {
  return text === null ? [] : [el('h3', {}, 'Measure it again'), el('pre', { tabindex: 0 }, text)]
}

export function environmentParts({ notes, facts: known }: PageRun): Node[] {
  return [el('h3', {}, 'Environment'), facts([...notes.map((note): [string, string] => ['note', note]), ...known])]
}

/** A table of words, whose first column names the rows. */
export function plainTable(
  head: readonly (string | Node)[],
  rows: readonly (readonly (string | Node)[])[],
): HTMLElement {
  return el(
    'table',
    {},
    el(
      'thead',
      {},
      el('tr', {}, ...head.map((cell, index) => el('th', { scope: 'col', class: index === 0 ? 'text' : null }, cell))),
    ),
    el(
      'tbody',
      {},
      ...rows.map(([name, ...cells]) =>
        el('tr', {}, el('th', { scope: 'row' }, name), ...cells.map((cell) => el('td', {}, cell))),
      ),
    ),
  )
}

/** A wide table scrolls inside its own region, by keyboard too. */
export function scrollRegion(label: string, ...children: Node[]): HTMLElement {
  return el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label }, ...children)
}
