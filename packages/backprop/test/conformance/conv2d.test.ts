import { csr, tensor } from '@nnz/core'
import { expect, it } from 'vitest'
import { csrWeights } from '../../../../test/conformance/support/weights.ts'
import {
  CONV2D_ERROR_FACTOR,
  conv2dBackwardReference,
  conv2dReference,
  conv2dShape,
  sparseConv2d,
  sparseConv2dBackward,
} from '../../src/index.ts'
import { openBackend } from '../support/backend.ts'
import { deviation, Random, U } from '../support/problems.ts'

const backend = await openBackend()

const CASES = [
  // batch, channels, height, width, outChannels, kernel, stride, padding, density
  [1, 1, 1, 1, 1, 1, 1, 0, 1],
  [2, 3, 5, 7, 4, 1, 1, 0, 0.5],
  [2, 3, 5, 7, 4, 1, 2, 0, 0.5],
  [1, 3, 6, 6, 4, 1, 1, 1, 0.5],
  [2, 2, 8, 9, 5, 3, 1, 1, 0.3],
  [2, 2, 8, 9, 5, 3, 1, 0, 0.3],
  [1, 2, 9, 8, 5, 3, 2, 1, 0.4],
  [1, 2, 10, 11, 3, 3, 2, 0, 0.4],
  [1, 4, 12, 12, 6, 5, 2, 2, 0.2],
  [1, 2, 7, 7, 3, [3, 1], [1, 2], [1, 0], 0.6],
  [1, 2, 7, 7, 3, [2, 5], [3, 1], [0, 3], 0.6],
  [3, 5, 13, 16, 9, 3, 1, 1, 0.1],
  [1, 3, 2, 2, 2, 3, 1, 0, 0.5],
  [0, 3, 4, 4, 2, 3, 1, 1, 0.5],
  [1, 3, 4, 4, 2, 3, 1, 1, 0],
  [1, 2, 33, 31, 3, 3, 1, 1, 0.5],
  [2, 2, 9, 8, 3, 3, 4, 1, 0.6],
  [2, 2, 9, 8, 3, [2, 3], [5, 2], [0, 1], 0.6],
  [1, 2, 5, 4, 3, 2, [1e9, 2], 1, 0.7],
  [1, 2, 5, 4, 3, [2, 1], 2 ** 33, 0, 0.7],
  [1, 1, 4, 4, 1, 2, 5e8, 5e8, 1],
] as const

for (const [batch, channels, height, width, outChannels, kernelSize, stride, padding, density] of CASES) {
  const geometry = { kernelSize, stride, padding }
  it(`[${batch}, ${channels}, ${height}, ${width}] to ${outChannels}, kernel ${kernelSize}, stride ${stride}, padding ${padding}`, () => {
    const random = new Random(height * width + outChannels)
    const taps = typeof kernelSize === 'number' ? kernelSize ** 2 : kernelSize[0] * kernelSize[1]
    const w = csrWeights([outChannels, channels * taps], 'random', density, random)
    const values = (count: number) => Float32Array.from({ length: count }, () => random.value())
    const x = tensor(values(batch * channels * height * width), [batch, channels, height, width])
    const bias = values(outChannels)
    const { shape, values: want } = conv2dReference(w, x, geometry, bias)
    const magnitude = { ...w, values: w.values.map(Math.abs) }
    const sizes = conv2dReference(magnitude, { ...x, data: x.data.map(Math.abs) }, geometry, bias.map(Math.abs)).values
    const bound = (scale: Float64Array) => (i: number) => CONV2D_ERROR_FACTOR * U * scale[i]

    const plan = sparseConv2d.plan(w, { ...geometry, height, width, backend })
    const y = plan.run(x, { bias })
    expect(y.shape).toEqual(shape)
    expect(deviation(y.data, want, bound(sizes)), plan.explain().method).toBeUndefined()
    expect(sparseConv2d(w, x, { ...geometry, bias, backend }).data).toEqual(y.data)

    const dy = tensor(values(y.data.length), shape)
    const gradients = conv2dBackwardReference(w, x, dy, geometry)
    const scales = conv2dBackwardReference(
      { ...w, values: magnitude.values },
      { ...x, data: x.data.map(Math.abs) },
      { ...dy, data: dy.data.map(Math.abs) },
      geometry,
    )
    const back = sparseConv2dBackward.plan(w, { ...geometry, height, width, backend, needs: { dBias: true } })
    const got = back.run(x, dy)
    expect(got.dx.shape).toEqual(x.shape)
    expect(deviation(got.dx.data, gradients.dx, bound(scales.dx)), 'dx').toBeUndefined()
    expect(deviation(got.dValues, gradients.dValues, bound(scales.dValues)), 'dValues').toBeUndefined()
    expect(deviation(got.dBias, gradients.dBias, bound(scales.dBias)), 'dBias').toBeUndefined()
    const some = sparseConv2dBackward(w, x, dy, { ...geometry, backend, needs: { dx: false } })
    expect(some.dx.data.length).toBe(0)
    expect(some.dValues).toEqual(got.dValues)

    // Other values, then another pattern: as a plan of its own would give.
    const next = csr({ ...w, values: values(w.nnz) })
    plan.updateValues(next.values)
    back.updateValues(next.values)
    expect(plan.run(x).data).toEqual(sparseConv2d(next, x, { ...geometry, backend }).data)
    expect(back.run(x, dy).dx.data).toEqual(sparseConv2dBackward(next, x, dy, { ...geometry, backend }).dx.data)
    const other = csrWeights([outChannels, channels * taps], 'random', 0.7, random)
    plan.updatePattern(other)
    back.updatePattern(other)
    expect(plan.run(x).data).toEqual(sparseConv2d(other, x, { ...geometry, backend }).data)
    expect(back.run(x, dy).dValues).toEqual(sparseConv2dBackward(other, x, dy, { ...geometry, backend }).dValues)
    plan.dispose()
    back.dispose()
    expect(() => plan.run(x)).toThrow(TypeError)
  })
}

it('computes the sizes that frameworks compute', () => {
  const w = csr.fromDense(new Float32Array(4 * 27).fill(1), [4, 27])
  const { outHeight, outWidth, channels } = conv2dShape(w, { kernelSize: 3, stride: 2, padding: 1 }, [28, 27], 'test')
  expect([channels, outHeight, outWidth]).toEqual([3, 14, 14])
})
