import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, preview } from 'vite'

/** A built page on a port of its own. */
export interface Served {
  readonly url: string
  close(): Promise<void>
}

const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

/** Headers that make a page cross-origin isolated, which threads need. */
export const isolated: Readonly<Record<string, string>> = ISOLATED

/** Builds a folder with Vite as its users do. Returns the folder of the result. */
export async function buildPage(folder: URL): Promise<string> {
  const outDir = await mkdtemp(join(tmpdir(), 'nnz-page-'))
  await build({
    root: fileURLToPath(folder),
    base: './',
    logLevel: 'warn',
    worker: { format: 'es' },
    build: { outDir, emptyOutDir: true, chunkSizeWarningLimit: 1000 },
  })
  return outDir
}

/** Serves a built folder with headers; `root` is where its Vite configuration lies, if it has one. */
export async function serve(outDir: string, headers: Record<string, string> = {}, root?: URL): Promise<Served> {
  const server = await preview({
    root: root ? fileURLToPath(root) : join(outDir, '..'),
    configFile: root ? undefined : false,
    logLevel: 'warn',
    build: { outDir },
    preview: { port: 0, host: '127.0.0.1', ...(root ? {} : { headers }) },
  })
  const [url] = server.resolvedUrls!.local
  return { url, close: () => server.close() }
}

/** Removes built folders. */
export async function removeFolders(folders: readonly string[]): Promise<void> {
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })))
}
