import { fromF16Bits, nm, tensor, toF16Bits } from '@nnz/core'
import { kernels, nmGemm, nmGemmTransposed, nmLinear } from '@nnz/nm-gemm'
import { transposableMask24 } from '@nnz/nm-gemm/training'
import { describe, expect, it } from 'vitest'
import { openBackend } from '../backend.ts'
import { noEmulator } from '../emulator.ts'
import { wholeNumbers } from '../numbers.ts'

const SHAPES = [
  [1, 4, 1],
  [20, 44, 17],
  [130, 72, 33],
] as const

describe.skipIf(noEmulator)('2:4 weights on a device', () => {
  const rows = kernels.filter(({ backend, name }) => backend === 'cuda' && name.includes('_nm_'))
  it.each(rows.flatMap((row) => SHAPES.map((shape) => [row.name, row.operation, shape] as const)))(
    '%s, %s, %j',
    async (kernel, operation, [m, k, n]) => {
      const gpu = openBackend()
      const transposed = operation === 'nmGemmTransposed'
      // A transposable mask needs whole tiles of 4 x 4.
      const shape: [number, number] = transposed ? [Math.ceil(m / 4) * 4, k] : [m, k]
      const values = wholeNumbers(shape[0] * k, m + n).map((x) => x || 1)
      const w = transposed
        ? nm.fromMasked(values, transposableMask24(tensor(values, shape)), shape, { n: 2, m: 4 })
        : nm.fromDense(
            values.map((x, i) => ([1, 2].includes((i + Math.floor(i / k)) % 4) ? x : 0)),
            shape,
            { n: 2, m: 4 },
          )
      const half = nm.quantise(w, { type: 'f16' })
      const operations = transposed ? [nmGemmTransposed] : [nmGemm, nmLinear]
      for (const each of operations) {
        const tokens = each === nmLinear
        const inner = transposed ? shape[0] : k
        const x = tensor(wholeNumbers(inner * n, 5), tokens ? [n, inner] : [inner, n])
        const plan = each.plan(half, { backend: gpu, columns: n, kernel })
        const y = await plan.run(x).read()
        const host = each === nmLinear ? nmLinear(x, w) : (each as typeof nmGemm)(w, x)
        expect(y.shape).toEqual(host.shape)
        expect(y.data).toEqual(host.data.map((value) => fromF16Bits(toF16Bits(value))))
        plan.updateValues(w.values.map((value) => 2 * value))
        const twice = await plan.run(gpu.upload(x, { dtype: 'f16' })).read()
        expect(twice.data).toEqual(host.data.map((value) => fromF16Bits(toF16Bits(2 * value))))
        plan.dispose()
      }
    },
  )
})
