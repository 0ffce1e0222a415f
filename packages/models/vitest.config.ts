import { defineConfig } from 'vitest/config'

const shared = { pool: 'forks' as const, execArgv: ['--expose-gc'], testTimeout: 30_000 }

/** The tests that compute in one variant of the kernels. */
function variant(name: string, env: Record<string, string>) {
  return {
    test: {
      ...shared,
      name,
      env: { NNZ_WASM: '', NNZ_THREADS: '', ...env },
      include: ['test/encoder.test.ts', 'test/encoder-kernels.test.ts', 'test/decoder.test.ts'],
    },
  }
}

// biome-ignore lint/style/noDefaultExport: the test runner reads the default export
export default defineConfig({
  test: {
    projects: [
      { test: { ...shared, name: 'default', env: { NNZ_WASM: '', NNZ_THREADS: '' }, include: ['test/**/*.test.ts'] } },
      variant('base', { NNZ_WASM: 'base' }),
      variant('js', { NNZ_WASM: 'off' }),
      variant('two threads', { NNZ_THREADS: '2' }),
    ],
  },
})
