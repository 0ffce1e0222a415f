import { readRun } from '../records/index.ts'
import { renderComparison, renderReport } from '../report/index.ts'
import { compareRuns } from '../statistics/index.ts'

/** Renders the tables and the page of a results folder anew. */
export async function report(folder: string, readme: string | undefined): Promise<void> {
  const { files, leftOut } = await renderReport(folder, readme === undefined ? {} : { readme })
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
