import { mkdir, readFile, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type KernelSet, wasm, wasmFeatures } from '@nnz/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { skeleton } from '../../examples/skeleton-kernel/row.ts'
import { blockCases, optionCases, patternCases, specialCases, viewCases } from '../conformance/support/spmm-cases.ts'
import { prepare, sweep } from '../conformance/support/spmm-run.ts'
import { root } from '../support/packages.ts'
import { run } from '../support/run.ts'

const cache = new URL('../.cache/skeleton/', import.meta.url)
/** The flags of kernels-wasm/scripts/build.ts, for shared memory: what Node has. */
const FLAGS =
  '-O3 --converge --noAssert --importMemory --noExportMemory --runtime stub --enable simd --enable threads --sharedMemory --initialMemory 1 --maximumMemory 65536'

describe.skipIf(!wasmFeatures().simd)('the skeleton of CONTRIBUTING.md', () => {
  let set: KernelSet

  beforeAll(async () => {
    const file = new URL('skeleton.wasm', cache)
    await mkdir(cache, { recursive: true })
    const source = 'examples/skeleton-kernel/assembly/skeleton.ts'
    await run('asc', [source, '-o', fileURLToPath(file), ...FLAGS.split(' ')], fileURLToPath(root))
    const bytes = (await readFile(file)).toString('base64')
    const binaries = { simd: '', relaxed: '', 'simd-shared': bytes, 'relaxed-shared': bytes }
    set = { name: 'skeleton', hash: '', binaries }
  })
  afterAll(() => rm(cache, { recursive: true, force: true }))

  it.each(['csr', 'bsr'] as const)('compiles and passes the conformance tests for %s', (layout) => {
    const backend = wasm.open()
    const cases = [patternCases, optionCases, viewCases, specialCases, blockCases].flatMap((make) => make())
    const prepared = cases.filter(({ w }) => w.layout === layout).map(prepare)
    expect(sweep(skeleton(backend.variant, layout, set), prepared, backend)).toBeGreaterThan(100)
  })

  it('runs on two threads', async () => {
    const backend = await wasm.threads(2)
    const cases = patternCases().map(prepare)
    expect(sweep(skeleton(backend.variant, 'csr', set), cases, backend)).toBe(cases.length)
  })
})
