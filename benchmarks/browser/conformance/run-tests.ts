import { startTests, type Task, type VitestRunner } from '@vitest/runner'
import type { FromConformance } from './messages.ts'
import type { Variant } from './variants.ts'

const EITHER = {
  ...import.meta.glob('../../../test/conformance/{gemm,gemm-i8,spmm,spmm-compact,variant}.test.ts'),
  ...import.meta.glob('../../../packages/backprop/test/conformance/*.test.ts'),
}
const BOTH = {
  ...import.meta.glob('../../../packages/nm-gemm/test/conformance.test.ts'),
  ...import.meta.glob('../../../packages/attention/test/{conformance,decode}.test.ts'),
}

/** Runs one of the packages' conformance test files as it is. */
export async function runTests({ both }: Variant, index: number): Promise<FromConformance> {
  const files: Record<string, () => Promise<unknown>> = both ? { ...EITHER, ...BOTH } : EITHER
  const paths = Object.keys(files)
  const path = paths[index]!
  const [file] = await startTests(
    [path],
    runner(() => files[path]!()),
  )
  const tests = testsOf(file!)
  const failed = tests.filter(({ result }) => result?.state === 'fail')
  const failures = [file!, ...failed].flatMap(({ name, result }) =>
    (result?.errors ?? []).map(({ message }) => `${name}: ${message}`),
  )
  return {
    type: 'ended',
    files: paths.length,
    next: paths[index + 1]?.replaceAll('../', ''),
    outcome: {
      package: packageOf(path),
      passed: tests.filter(({ result }) => result?.state === 'pass').length,
      // One that cannot be loaded has no tests.
      failed: file!.result?.state === 'fail' ? Math.max(1, failed.length) : failed.length,
      failures: failures.slice(0, 5),
    },
  }
}

function runner(importFile: () => Promise<unknown>): VitestRunner {
  return {
    importFile,
    config: {
      root: '',
      setupFiles: [],
      name: undefined,
      passWithNoTests: true,
      testNamePattern: undefined,
      allowOnly: false,
      sequence: { seed: 0, hooks: 'stack', setupFiles: 'list' },
      chaiConfig: undefined,
      maxConcurrency: 1,
      testTimeout: 120_000,
      hookTimeout: 120_000,
      retry: 0,
      includeTaskLocation: false,
      tags: [],
      tagsFilter: undefined,
      strictTags: false,
    },
  }
}

function packageOf(path: string): string {
  const inPackage = /packages\/([^/]+)\//.exec(path)?.[1]
  return `@nnz/${inPackage ?? (path.includes('gemm') ? 'core' : 'spmm')}`
}

function testsOf(task: Task): Task[] {
  return task.type === 'suite' ? task.tasks.flatMap(testsOf) : [task]
}
