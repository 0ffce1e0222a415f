import { defineConfig } from 'vitest/config'
import { browserProjects } from './browser/projects.ts'

/** What is tested beside the kernels: documents, packed packages, types, and a browser where there is one. */
function suite(name: string) {
  return { test: { name, include: [`${name}/*.test.ts`], testTimeout: 120_000, hookTimeout: 120_000 } }
}

// biome-ignore lint/style/noDefaultExport: the test runner reads the default export
export default defineConfig({
  test: {
    maxWorkers: '100%',
    projects: [...['docs', 'packaging', 'types', 'browser', 'bundlers', 'runtimes'].map(suite), ...browserProjects],
  },
})
