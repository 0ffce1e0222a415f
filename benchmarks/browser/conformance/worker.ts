import type { FromConformance, ToConformance } from './messages.ts'

/** Every so many-th case, and few random ones: what Node.js has swept in whole. */
const SAMPLE = { NNZ_TEST_STEP: '8', NNZ_TEST_RUNS: '4' }

self.onmessage = async ({ data: { variant, file } }: MessageEvent<ToConformance>) => {
  // The kernels and their tests ask for the environment of a process, as soon as they are loaded.
  Object.assign(globalThis, {
    process: {
      env: { NNZ_WASM: '', NNZ_THREADS: '', ...SAMPLE, ...variant.env, NNZ_TESTED_VARIANT: variant.name },
    },
  })
  let answer: FromConformance
  try {
    const { runTests } = await import('./run-tests.ts')
    answer = await runTests(variant, file)
  } catch (error) {
    answer = { type: 'failed', message: error instanceof Error ? error.message : String(error) }
  }
  self.postMessage(answer)
}
