import { gemm, js, wasm, wasmSupport } from '@nnz/core'
import { csr, kernels, spmm } from '@nnz/spmm'
import { describe, expect, it } from 'vitest'
import { claimed, lacking, openBackend } from './support/variant.ts'

const missing = lacking()
const w = csr.fromDense([1, 0, 0, 2], [2, 2])

describe(`the variant "${claimed}"`, () => {
  it(missing === undefined ? 'runs here' : `CANNOT be tested: ${missing}`, ({ skip }) => {
    if (missing !== undefined) skip(missing)
    expect(['relaxed', 'base', 'js', 'threads']).toContain(claimed)
  })

  it.runIf(missing === undefined)('is what a call without a backend uses', async () => {
    const backend = await openBackend()
    const plan = spmm.plan(w, { columns: 3 })
    const { backend: name, variant, threads } = plan.explain()
    plan.dispose()
    const expected = {
      relaxed: { name: 'wasm', variant: 'relaxed', threads: 1 },
      base: { name: 'wasm', variant: 'simd', threads: 1 },
      js: { name: 'js', variant: 'js', threads: 1 },
      threads: { name: 'wasm', variant: backend.variant, threads: 2 },
    }[claimed]
    expect({ name, variant, threads }).toEqual(expected)
    expect({ name: backend.name, variant: backend.variant, threads: backend.threads }).toEqual(expected)
  })

  it('offers WASM unless it is switched off', () => {
    if (claimed !== 'js') return expect(wasmSupport() === true || missing !== undefined).toBe(true)
    expect(wasmSupport()).toMatch(/switched off/)
    expect(() => wasm.open()).toThrow(expect.objectContaining({ name: 'BackendUnavailableError', code: 'NNZ_BACKEND' }))
    expect(spmm.plan(w, { columns: 1, backend: js }).explain().backend).toBe('js')
  })

  it('is one of those that all rows of all tables belong to: no row goes untested', () => {
    const tested = ['js js', 'wasm simd', 'wasm relaxed']
    // Rows for devices are tested by the package of their backend.
    const strangers = [...kernels, ...gemm.kernels].filter(
      ({ backend, variant }) => backend !== 'cuda' && !tested.includes(`${backend} ${variant.split('_')[0]}`),
    )
    expect(strangers.map(({ name }) => name)).toEqual([])
  })
})
