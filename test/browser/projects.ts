import { fileURLToPath } from 'node:url'
import { playwright } from '@vitest/browser-playwright'
import { executablePath, launchArguments } from './chromium.ts'
import { isolated } from './serve.ts'

/** Conformance tests that run plain JS or WASM, as told. */
const EITHER = [
  'test/conformance/{gemm,gemm-i8,spmm,spmm-compact,variant}.test.ts',
  'packages/backprop/test/conformance/*.test.ts',
]
/** Those that run plain JS beside WASM. */
const BOTH = ['packages/nm-gemm/test/conformance.test.ts', 'packages/attention/test/{conformance,decode}.test.ts']

/** The conformance tests of the packages as they are, in Chromium: fewer of the cases that Node.js has swept. */
function variant(name: string, step: number, env: Record<string, string>, include: string[]) {
  return {
    // Threads share memory, which only isolated pages may.
    server: { headers: isolated },
    test: {
      name: `${name} in Chromium`,
      root: fileURLToPath(new URL('../..', import.meta.url)),
      include,
      env: {
        NNZ_WASM: '',
        NNZ_THREADS: '',
        ...env,
        NNZ_TESTED_VARIANT: name,
        NNZ_TEST_STEP: String(step),
        NNZ_TEST_RUNS: '4',
      },
      setupFiles: [fileURLToPath(new URL('environment.ts', import.meta.url))],
      testTimeout: 60_000,
      hookTimeout: 60_000,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: { executablePath: executablePath!, args: launchArguments } }),
        instances: [{ browser: 'chromium' as const }],
      },
    },
  }
}

/** Every row of every kernel package in a browser; none where there is no browser. */
export const browserProjects =
  executablePath === undefined
    ? []
    : [
        variant('relaxed', 8, {}, [...EITHER, ...BOTH]),
        variant('base', 12, { NNZ_WASM: 'base' }, [...EITHER, ...BOTH]),
        variant('js', 12, { NNZ_WASM: 'off' }, EITHER),
        variant('threads', 12, { NNZ_THREADS: '2' }, [...EITHER, ...BOTH]),
      ]
