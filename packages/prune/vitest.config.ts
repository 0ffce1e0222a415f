import { defineConfig } from 'vitest/config'

// biome-ignore lint/style/noDefaultExport: the test runner reads the default export
export default defineConfig({
  test: { pool: 'forks', testTimeout: 30_000, include: ['test/**/*.test.ts'] },
})
