import { join } from 'node:path'
import { preview } from 'vite'
import { saveResults } from './save.ts'

/** Headers that make a page cross-origin isolated, which threads need. */
const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

export interface ServedPage {
  readonly url: string
  close(): Promise<void>
}

/** Serves a built page on this machine alone; what it saves goes to `results`. Port 0 takes a free one. */
export async function servePage(outDir: string, results: string, port: number): Promise<ServedPage> {
  const save = saveResults(results)
  const server = await preview({
    root: join(outDir, '..'),
    configFile: false,
    logLevel: 'warn',
    build: { outDir },
    preview: { port, strictPort: port !== 0, host: '127.0.0.1', headers: ISOLATED, cors: false },
    plugins: [
      {
        name: 'nnz-save-results',
        configurePreviewServer({ middlewares }) {
          middlewares.use('/results', (request, response) => void save(request, response))
        },
      },
    ],
  })
  return { url: server.resolvedUrls!.local[0]!, close: () => server.close() }
}
