import { defineConfig } from 'vitest/config'

const shared = { pool: 'forks' as const, execArgv: ['--expose-gc'], testTimeout: 60_000 }

// biome-ignore lint/style/noDefaultExport: the test runner reads the default export
export default defineConfig({
  test: {
    projects: [
      { test: { ...shared, name: 'default', include: ['test/**/*.test.ts'] } },
      // The threads of a block in reverse order: races that one order hides, the other shows.
      {
        test: {
          ...shared,
          name: 'reverse',
          env: { NNZ_EMULATOR_ORDER: 'reverse' },
          include: ['test/kernels/*.test.ts'],
        },
      },
    ],
  },
})
