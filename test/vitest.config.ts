import { defineConfig } from 'vitest/config'

/** Every variant in processes of its own: settings of the environment stand from the first use of WASM memory on. */
function variant(name: string, env: Record<string, string>) {
  return {
    test: {
      name,
      include: ['conformance/*.test.ts'],
      env: { NNZ_WASM: '', NNZ_THREADS: '', ...env, NNZ_TESTED_VARIANT: name },
      pool: 'forks' as const,
      testTimeout: 60_000,
      hookTimeout: 60_000,
    },
  }
}

// biome-ignore lint/style/noDefaultExport: the test runner reads the default export
export default defineConfig({
  test: {
    // One process for each core: most of the time is spent in plain loops.
    maxWorkers: '100%',
    projects: [
      variant('relaxed', { NNZ_WASM: 'relaxed' }),
      variant('base', { NNZ_WASM: 'base' }),
      variant('js', { NNZ_WASM: 'off' }),
      variant('threads', { NNZ_THREADS: '2' }),
    ],
  },
})
