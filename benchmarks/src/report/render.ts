import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { type Results, readResults } from '../records/index.ts'
import { type Section, sectionsOf } from './aggregate.ts'
import { renderCsv } from './csv.ts'
import { tableFile } from './files.ts'
import { renderPage } from './html.ts'
import { type QualitySection, qualitySectionsOf } from './quality.ts'
import { renderQualityCsv } from './quality-tables.ts'
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

/** Everything that is shown of some results, by its path inside their folder. */
export interface Documents {
  readonly rows: readonly Row[]
  readonly sections: readonly Section[]
  readonly quality: readonly QualitySection[]
  readonly texts: ReadonlyMap<string, string>
}

/** `README.md`, `index.html`, `results.csv`, `quality.csv` and `<machine>/<operation>.md`. The same records give the same bytes; `contributing`: whether rules for contributors stand beside them. */
export function documentsOf(results: Results, { contributing }: { contributing: boolean }): Documents {
  const rows = rowsOf(results)
  const sections = sectionsOf(rows)
  const quality = qualitySectionsOf(results.quality)
  const texts = new Map([
    ['README.md', renderReadme(sections, quality, results.leftOut, contributing)],
    ['index.html', renderPage(rows, quality)],
    ['results.csv', renderCsv(rows)],
    ['quality.csv', renderQualityCsv(quality)],
    ...sections.map((section) => [tableFile(section), renderRows(section)] as const),
  ])
  return { rows, sections, quality, texts }
}

/** Renders everything that is shown of a results folder into it, and the summary between the markers of `readme`. */
export async function renderReport(folder: string, { readme }: RenderOptions = {}): Promise<Rendered> {
  const results = await readResults(folder)
  const { rows, sections, quality, texts } = documentsOf(results, {
    contributing: existsSync(join(folder, 'CONTRIBUTING.md')),
  })
  const files = new Map([...texts].map(([name, text]) => [join(folder, name), text]))
  if (readme !== undefined) {
    files.set(readme, replaceSummary(await readFile(readme, 'utf8'), renderSummary(sections, quality)))
  }
  await writeFiles(files)
  return { rows, sections, leftOut: results.leftOut, files: [...files.keys()] }
}

/** Each in one step, its folder made before. */
export async function writeFiles(files: ReadonlyMap<string, string>): Promise<void> {
  for (const [path, text] of files) {
    await mkdir(dirname(path), { recursive: true })
    await writeFileAtomic(path, text)
  }
}
