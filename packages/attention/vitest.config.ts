import { defineConfig } from 'vitest/config'

// biome-ignore lint/style/noDefaultExport: the test runner reads the default export
export default defineConfig({
  test: {
    include: ['test/*.test.ts'],
    pool: 'forks',
    // Tests of finalisers collect garbage themselves.
    execArgv: ['--expose-gc'],
    env: { NNZ_WASM: '', NNZ_THREADS: '' },
    testTimeout: 30_000,
  },
})
