import type { PageData } from '../columns.ts'
import type { PageQuality } from '../page-quality.ts'
import { Address } from './address.ts'
import { rowsOf } from './data.ts'
import { el } from './dom.ts'
import { hardwareView } from './hardware-view.ts'
import { judgementSheet } from './judgement-sheet.ts'
import { kernelsView } from './kernels-view.ts'
import { modelsView } from './models-view.ts'
import { recordSheet } from './record-sheet.ts'
import { SheetDialog } from './sheet.ts'

const embedded = (id: string): unknown => JSON.parse(document.getElementById(id)!.textContent!)
const data = embedded('data') as PageData
const quality = embedded('quality') as PageQuality
const rows = rowsOf(data)
const address = new Address()
const dialog = new SheetDialog()

const views: HTMLElement[] = []
if (rows.length > 0) {
  const open = (row: (typeof rows)[number]) => dialog.open(recordSheet(row))
  views.push(kernelsView(data, rows, address, open), hardwareView(rows, address, open))
}
if (quality.sections.length > 0)
  views.splice(
    1,
    0,
    modelsView(quality, address, (judged) => dialog.open(judgementSheet(quality, judged))),
  )

const link = ({ id, firstChild }: HTMLElement) => el('li', {}, el('a', { href: `#${id}` }, firstChild!.textContent))
document
  .getElementById('app')!
  .append(
    ...(views.length === 0 ? [el('p', {}, 'There are no records yet.')] : []),
    ...(views.length > 1 ? [el('nav', { 'aria-label': 'On this page' }, el('ul', {}, ...views.map(link)))] : []),
    ...views,
    dialog.element,
  )
// The parts of the page are made by this script, so the browser could not find one yet.
document.getElementById(location.hash.slice(1))?.scrollIntoView()
