import { defineConfig } from 'vitest/config'

// biome-ignore lint/style/noDefaultExport: the test runner reads the default export
export default defineConfig({
  test: {
    include: ['test/*.test.ts'],
    setupFiles: ['test/support/count-allocations.ts'],
    pool: 'forks',
    testTimeout: 30_000,
  },
})
