import { open, rm, stat } from 'node:fs/promises'

const STALLED_AFTER_MS = 30_000

/** What a download is told. */
export interface DownloadOptions {
  /** The exact size of the whole file. */
  readonly bytes: number
  readonly onProgress?: (received: number) => void
}

/**
 * Downloads a file of known size to `part`, going on where an earlier download of it stopped. Whether the bytes are
 * the right ones is for the caller to check.
 *
 * @throws Error where the server refuses, sends more or fewer bytes than expected, or falls silent for 30 seconds. What
 * has arrived stays in `part`, except when it is too long.
 */
export async function download(url: string, part: string, { bytes, onProgress }: DownloadOptions): Promise<void> {
  let received = (await stat(part).catch(() => undefined))?.size ?? 0
  if (received > bytes) {
    await rm(part)
    received = 0
  }
  if (received === bytes) return

  const stalled = new AbortController()
  const abort = (): void => stalled.abort(new Error(`no data for ${STALLED_AFTER_MS / 1000} seconds`))
  let timer = setTimeout(abort, STALLED_AFTER_MS)
  try {
    const headers: Record<string, string> = { 'accept-encoding': 'identity' }
    if (received > 0) headers.range = `bytes=${received}-`
    const response = await fetch(url, { headers, signal: stalled.signal })
    if (!response.ok || !response.body) throw new Error(`${url} answered ${response.status} ${response.statusText}`)
    if (response.status !== 206) received = 0
    else if (!response.headers.get('content-range')?.startsWith(`bytes ${received}-`))
      throw new Error(`${url} sent another range than asked for`)

    const handle = await open(part, received > 0 ? 'a' : 'w')
    try {
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        clearTimeout(timer)
        timer = setTimeout(abort, STALLED_AFTER_MS)
        received += chunk.length
        if (received > bytes) break
        await handle.appendFile(chunk)
        onProgress?.(received)
      }
    } finally {
      await handle.close()
    }
  } finally {
    clearTimeout(timer)
  }
  if (received > bytes) await rm(part)
  if (received !== bytes)
    throw new Error(
      `${url} sent ${received > bytes ? 'more than' : 'only'} ${Math.min(received, bytes)} bytes, expected ${bytes}`,
    )
}
