import { tensor } from '@nnz/core'
import { bsr, csr, kernels, reference, spmm } from '@nnz/spmm'
import { describe, expect, it } from 'vitest'
import { openBackend } from '../backend.ts'
import { noEmulator } from '../emulator.ts'
import { numbers } from '../numbers.ts'

const rows = kernels.filter(({ backend }) => backend === 'cuda')

describe.skipIf(noEmulator)('spmm on a device', () => {
  it.each(rows.map(({ name }) => name))('%s', async (kernel) => {
    const gpu = openBackend()
    const dense = numbers(40 * 30, 1).map((x, i) => (i % 3 === 0 ? x : 0))
    const exact = kernel.includes('_csr_') ? csr.fromDense(dense, [40, 30]) : bsr.fromDense(dense, [40, 30], [4, 4])
    const quantise =
      exact.layout === 'csr' ? () => csr.quantise(exact, { type: 'f16' }) : () => bsr.quantise(exact, { type: 'f16' })
    const w = kernel.includes('_half_') ? quantise() : exact
    const plan = spmm.plan(w, { backend: gpu, columns: 20, kernel, activation: 'relu', bias: numbers(40, 2) })
    const x = tensor(numbers(30 * 20, 3), [30, 20])
    const y = await plan.run(x).read()
    const expected = reference(exact, x, { activation: 'relu', bias: numbers(40, 2) })
    for (const [i, value] of expected.entries()) expect(y.data[i]).toBeCloseTo(value, kernel.includes('_half_') ? 1 : 5)
    plan.dispose()
  })
})
