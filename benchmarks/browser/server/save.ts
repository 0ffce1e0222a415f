import type { IncomingMessage, ServerResponse } from 'node:http'
import { basename } from 'node:path'
import { json } from 'node:stream/consumers'
import { openStore, type ResultsFile, resultsFileSchema } from '../../src/records/index.ts'
import { parseWith } from '../../src/records/schema.ts'

/** Records of a quick suite take some megabytes. */
const MOST_BYTES = 256 * 1024 * 1024

/** Answers `POST results` of the page itself: checks the records, and writes them beside those of `nnz-bench`. */
export function saveResults(folder: string): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    const answer = (status: number, text: string) => {
      response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', Allow: 'OPTIONS, POST' })
      response.end(text)
    }
    if (request.method === 'OPTIONS') return answer(204, '')
    if (request.method !== 'POST') return answer(405, 'expected POST')
    // Another site's page may send what it likes to this address.
    if (request.headers['sec-fetch-site'] !== 'same-origin') return answer(403, 'expected a request of the page itself')
    if (request.headers['content-type'] !== 'application/json') return answer(415, 'expected JSON')
    if (!(Number(request.headers['content-length']) <= MOST_BYTES)) return answer(413, 'expected less')
    try {
      const file = parseWith(resultsFileSchema, await json(request), 'the records')
      answer(201, `${file.environment.machine}/${basename(await write(folder, file))}`)
    } catch (error) {
      answer(400, error instanceof Error ? error.message : String(error))
    }
  }
}

/** A run that was saved before it was resumed is written anew. */
async function write(folder: string, { environment, records }: ResultsFile): Promise<string> {
  const store = await openStore({ folder, environment, resume: true })
  for (const record of records) await store.append(record)
  await store.close()
  return store.path
}
