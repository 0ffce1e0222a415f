import { defineConfig } from 'vite'

// Threads share memory, and a page may do that only when it is cross-origin isolated: your server has to send these two.
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

// biome-ignore lint/style/noDefaultExport: Vite reads the default export
export default defineConfig({ worker: { format: 'es' }, server: { headers }, preview: { headers } })
