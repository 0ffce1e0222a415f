import { existsSync } from 'node:fs'
import { readRun } from '../records/index.ts'
import { publishReport, renderComparison, renderReport } from '../report/index.ts'
import { compareRuns } from '../statistics/index.ts'

/** Options of `nnz-bench report`. */
export interface ReportOptions {
  /** A document with the summary's markers. */
  readonly readme?: string
  /** A folder for a static host, instead of the results folder. */
  readonly publish?: string
  /** Publish into a folder that holds something else. */
  readonly force: boolean
}

/** Renders the tables and the page of a results folder anew, there or in a folder to be published. */
export async function report(folder: string, { readme, publish, force }: ReportOptions): Promise<void> {
  if (publish !== undefined && readme !== undefined)
    throw new RangeError('--readme: its links lead to the results folder, so it cannot be combined with --publish')
  if (!existsSync(folder)) throw new RangeError(`report: there is no results folder ${folder}`)
  const { files, leftOut } =
    publish === undefined ? await renderReport(folder, { readme }) : await publishReport(folder, publish, { force })
  for (const { reason } of leftOut) console.error(`left out: ${reason}`)
  console.log(files.join('\n'))
}

/** Prints how the second results file differs from the first. */
export async function compare(a: string, b: string): Promise<void> {
  const [first, second] = await Promise.all([a, b].map(readStored))
  console.log(renderComparison(compareRuns(first, second), process.stdout.columns ?? 100))
}

async function readStored(path: string) {
  const run = await readRun(path)
  if (run === null) throw new RangeError(`compare: there is no results file ${path}`)
  return { records: [...run.records.values()] }
}
