import { runName } from '../../src/records/identity.ts'
import type { SavedRun } from '../matrix/saved-run.ts'

/** The results file of a run, as `nnz-bench` writes it. */
export function fileText({ environment, records }: SavedRun): string {
  return `${JSON.stringify({ schema: 1, environment, records })}\n`
}

/** Hands the file to whoever sits here, with the name that it has in `results/<machine>/`. */
export function download(run: SavedRun): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([fileText(run)], { type: 'application/json' }))
  link.download = `${runName(run.environment)}.json`
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

/** Where the page's own server keeps results; undefined where a page is served by another. */
export async function canSave(): Promise<boolean> {
  const answer = await fetch('results', { method: 'OPTIONS' }).catch(() => undefined)
  return answer?.headers.get('allow')?.includes('POST') ?? false
}

/** Sends the file to the page's server. Returns the path that it wrote. */
export async function save(run: SavedRun): Promise<string> {
  const answer = await fetch('results', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: fileText(run),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(text)
  return text
}
