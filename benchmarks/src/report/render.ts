import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { type Results, readResults } from '../records/index.ts'
import { type Section, sectionsOf } from './aggregate.ts'
import { renderCsv } from './csv.ts'
import { tableFile } from './files.ts'
import { renderPage } from './html.ts'
import { qualitySectionsOf } from './quality.ts'
import { renderReadme } from './readme.ts'
import { renderRows } from './row-table.ts'
import { type Row, rowsOf } from './rows.ts'
import { renderSummary, replaceSummary } from './summary.ts'

export interface RenderOptions {
  /** A document with the summary's markers, such as the root README. */
  readonly readme?: string
}

export interface Rendered {
  readonly rows: readonly Row[]
  readonly sections: readonly Section[]
  readonly leftOut: Results['leftOut']
  /** The files written. */
  readonly files: readonly string[]
}

/**
 * Renders everything that is shown of a results folder: `README.md`, `index.html`, `results.csv`, `<machine>/<operation>.md`,
 * and the summary between the markers of `readme`. The same records give the same bytes.
 */
export async function renderReport(folder: string, { readme }: RenderOptions = {}): Promise<Rendered> {
  const results = await readResults(folder)
  const rows = rowsOf(results)
  const sections = sectionsOf(rows)
  const quality = qualitySectionsOf(results.quality)
  const documents = new Map([
    [join(folder, 'README.md'), renderReadme(sections, quality, results.leftOut)],
    [join(folder, 'index.html'), renderPage(rows, quality)],
    [join(folder, 'results.csv'), renderCsv(rows)],
  ])
  for (const section of sections) documents.set(join(folder, tableFile(section)), renderRows(section))
  if (readme !== undefined) {
    documents.set(readme, replaceSummary(await readFile(readme, 'utf8'), renderSummary(sections)))
  }
  for (const [path, text] of documents) {
    await mkdir(dirname(path), { recursive: true })
    await writeFileAtomic(path, text)
  }
  return { rows, sections, leftOut: results.leftOut, files: [...documents.keys()] }
}
