import { defineConfig } from 'vitest/config'

/** Tests that say the same under every variant, or mean one of them only. */
const ONLY: Record<string, string> = { threads: 'threads', 'self-check': 'js' }

/** Every variant in processes of its own: settings of the environment stand from the first use of WASM memory on. */
function variant(name: string, env: Record<string, string>) {
  const others = Object.entries(ONLY).filter(([, where]) => where !== name)
  return {
    test: {
      name,
      include: ['conformance/*.test.ts'],
      exclude: others.map(([file]) => `conformance/${file}.test.ts`),
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
