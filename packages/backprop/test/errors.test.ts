import { bsr, csr, type Tensor, tensor, transposed } from '@nnz/core'
import { describe, expect, it } from 'vitest'
import {
  activationBackward,
  denseSparse,
  linearBackward,
  sddmm,
  sparseConv2d,
  sparseConv2dBackward,
  sparseDense,
  sparseSoftmax,
  sparseSoftmaxBackward,
  spmmBackward,
} from '../src/index.ts'

const w = csr.fromDense([1, 0, 2, 3, 0, 4], [2, 3])
const zeros = (...shape: number[]): Tensor => tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape)

/** What a call throws: its kind, code and message. */
function thrown(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    const { name, code, message } = error as Error & { code?: string }
    return `${name} ${code}: ${message}`
  }
  return 'nothing'
}

describe('sddmm', () => {
  it('says what it expected', () => {
    expect(thrown(() => sddmm(zeros(2, 5), zeros(4, 3), w))).toBe(
      'RangeError NNZ_SHAPE: sddmm: b is [4, 3], expected [5, 3]',
    )
    expect(thrown(() => sddmm(zeros(3, 5), zeros(5, 3), w))).toBe(
      'RangeError NNZ_SHAPE: sddmm: a is [3, 5], expected [2, any]',
    )
    expect(thrown(() => sddmm(zeros(2, 5), zeros(5, 3), zeros(2, 3) as never))).toMatch(
      /TypeError NNZ_TYPE: .*are the arguments swapped/,
    )
    expect(thrown(() => sddmm(zeros(2, 5), zeros(5, 3), w, { kernel: 'none' }))).toMatch(/^RangeError NNZ_BACKEND/)
    expect(thrown(() => sddmm.plan(w, { columns: -1 }))).toMatch(/^RangeError NNZ_VALUE: .*whole number >= 0, got -1/)
    const compact = csr.quantise(w, { type: 'f16' })
    expect(thrown(() => sddmm(zeros(2, 5), zeros(5, 3), compact as never))).toMatch(
      /TypeError NNZ_TYPE: .*expected f32 values/,
    )
  })

  it('checks the runs of a plan', () => {
    const plan = sddmm.plan(w, { columns: 5 })
    expect(thrown(() => plan.run(zeros(2, 6), zeros(6, 3)))).toMatch(/a has 6 columns, the plan is for at most 5/)
    expect(thrown(() => plan.run(zeros(2, 5), zeros(5, 3), { out: new Float32Array(5) }))).toMatch(
      /has 5 elements, expected 4/,
    )
    const a = zeros(2, 5)
    expect(thrown(() => plan.run(a, zeros(5, 3), { out: a.data.subarray(0, 4) }))).toMatch(/out overlaps a/)
    expect(thrown(() => plan.updateValues([1]))).toMatch(/got 1 values, expected 4/)
    const blocks = bsr.fromCsr(w, [1, 1])
    expect(thrown(() => plan.updatePattern(blocks))).toMatch(/got bsr \[2, 3\] in blocks of 1x1, expected csr \[2, 3\]/)
    plan.dispose()
    expect(thrown(() => plan.run(a, zeros(5, 3)))).toMatch(/^TypeError NNZ_DISPOSED/)
  })
})

describe('softmax', () => {
  it('says what it expected', () => {
    expect(thrown(() => sparseSoftmax(bsr.fromCsr(w, [1, 1]) as never))).toMatch(
      /TypeError NNZ_TYPE: .*expected a csr layout, got a bsr/,
    )
    expect(thrown(() => sparseSoftmax(w, { scale: Number.NaN }))).toMatch(
      /RangeError NNZ_VALUE: .*finite number, got NaN/,
    )
    expect(thrown(() => sparseSoftmaxBackward(w, [1, 2, 3]))).toMatch(/gradients has 3 elements, expected 4/)
    const plan = sparseSoftmax.plan(w)
    expect(thrown(() => plan.run([1]))).toMatch(/scores has 1 elements, expected 4/)
    plan.dispose()
    expect(thrown(() => plan.run(w.values))).toMatch(/^TypeError NNZ_DISPOSED/)
  })
})

describe('convolution', () => {
  const kernels = csr.fromDense(new Float32Array(18).fill(1), [1, 18])
  const geometry = { kernelSize: 3, padding: 1 }

  it('says what it expected', () => {
    expect(thrown(() => sparseConv2d(w, zeros(1, 1, 4, 4), { kernelSize: 2 }))).toMatch(
      /w has 3 columns, expected a multiple of 4/,
    )
    expect(thrown(() => sparseConv2d(kernels, zeros(1, 3, 4, 4), geometry))).toMatch(
      /x is \[1, 3, 4, 4\], expected \[any, 2, 4, 4\]/,
    )
    expect(thrown(() => sparseConv2d(kernels, zeros(4, 4), geometry))).toMatch(
      /x is \[4, 4\], expected \[any, any, any, any\]/,
    )
    expect(thrown(() => sparseConv2d(kernels, zeros(1, 2, 4, 4), { ...geometry, stride: 0 }))).toMatch(
      /stride: expected whole numbers >= 1/,
    )
    expect(thrown(() => sparseConv2d(kernels, zeros(1, 2, 4, 4), { ...geometry, bias: [1, 2] }))).toMatch(
      /bias has 2 elements, expected 1/,
    )
    expect(thrown(() => sparseConv2d(kernels, zeros(1, 2, 4, 4), { kernelSize: 'x' as never }))).toMatch(
      /^TypeError NNZ_TYPE/,
    )
    const x = zeros(1, 2, 4, 4)
    expect(thrown(() => sparseConv2dBackward(kernels, x, zeros(1, 1, 3, 3), geometry))).toMatch(
      /dy is \[1, 1, 3, 3\], expected \[any, 1, 4, 4\]/,
    )
    expect(thrown(() => sparseConv2dBackward(kernels, x, zeros(1, 1, 4, 4), { ...geometry, out: { dx: x } }))).toMatch(
      /out.dx overlaps x/,
    )
    expect(thrown(() => sparseConv2d(kernels, x, { ...geometry, padding: 2 ** 31 }))).toMatch(/^RangeError NNZ_SHAPE/)
    const turned = { ...x, shape: [1, 2, 4, 4], strides: [32, 16, 1, 4] }
    expect(thrown(() => sparseConv2d(kernels, turned, geometry))).toMatch(/expected row-major strides/)
  })
})

describe('backward options', () => {
  const [x, dy] = [zeros(3, 5), zeros(2, 5)]
  const run = (options: object | null) => thrown(() => spmmBackward(w, x, dy, options as never))
  const kernels = csr.fromDense(new Float32Array(9).fill(1), [1, 9])
  const geometry = { kernelSize: 3, padding: 1 }
  const image = zeros(1, 1, 4, 4)

  it('are of the right kind', () => {
    const name = 'TypeError NNZ_TYPE: spmmBackward'
    expect(run({ out: null })).toBe(`${name}: out: expected an object, got null`)
    expect(run({ needs: true })).toBe(`${name}: needs: expected an object, got true`)
    expect(run({ needs: ['dx'] })).toBe(`${name}: needs: expected an object, got Array(1)`)
    expect(run({ needs: { dBias: 1 } })).toBe(`${name}: needs.dBias: expected true or false, got 1`)
    expect(run({ accumulate: 'yes' })).toBe(`${name}: accumulate: expected true or false, got "yes"`)
    expect(run({ kernels: 'foo' })).toBe(`${name}: kernels: expected an object, got "foo"`)
    expect(thrown(() => sparseConv2dBackward.plan(kernels, undefined as never))).toMatch(
      /^TypeError NNZ_TYPE: sparseConv2dBackward: expected options to be an object, got undefined/,
    )
    const convolve = (options: object) =>
      thrown(() => sparseConv2dBackward(kernels, image, image, { ...geometry, ...options }))
    expect(convolve({ needs: ['dx'] })).toMatch(/^TypeError NNZ_TYPE: .*needs: expected an object, got Array\(1\)/)
    expect(convolve({ out: null })).toMatch(/^TypeError NNZ_TYPE: .*out: expected an object, got null/)
    const softmax = sparseSoftmax.plan(w)
    expect(thrown(() => softmax.run(w.values, null as never))).toMatch(/^TypeError NNZ_TYPE: sparseSoftmax/)
    softmax.dispose()
    const options = { scaleByValues: 'yes' } as never
    expect(thrown(() => sddmm(dy, transposed(x), w, options))).toMatch(/^TypeError NNZ_TYPE: .*scaleByValues/)
  })

  it('name rows that there are, of the operation that was called', () => {
    const name = 'RangeError NNZ_BACKEND: spmmBackward'
    expect(run({ kernels: { dx: 'foo' } })).toBe(
      `${name}: kernels.dx: expected the name of a row of the table, got "foo"`,
    )
    expect(run({ kernels: { dValues: 'foo' } })).toMatch(`${name}: kernels.dValues`)
  })

  it('accumulate in what is given', () => {
    const name = 'RangeError NNZ_VALUE: spmmBackward'
    expect(run({ accumulate: true })).toBe(`${name}: accumulate adds to out.dValues, which is not given`)
    const out = { dValues: new Float32Array(4) }
    expect(run({ accumulate: true, out, needs: { dBias: true } })).toMatch(/adds to out.dBias/)
    expect(run({ accumulate: true, out })).toBe('nothing')
    const plan = sddmm.plan(w, { columns: 5 })
    expect(thrown(() => plan.run(dy, zeros(5, 3), { accumulate: true }))).toMatch(/accumulate adds to out, which/)
    plan.dispose()
  })
})

describe('products', () => {
  it('say what they expected', () => {
    expect(thrown(() => sparseDense(w, zeros(2, 4)))).toMatch(/x has 2 rows, expected 3/)
    expect(thrown(() => sparseDense(w, zeros(3, 4), { transposed: true }))).toMatch(/x has 3 rows, expected 2/)
    expect(thrown(() => denseSparse(zeros(4, 3), w))).toMatch(/x has 3 columns, expected 2/)
    expect(thrown(() => denseSparse(zeros(4, 3), zeros(3, 2) as never))).toMatch(/^TypeError NNZ_TYPE/)
    expect(thrown(() => sparseDense.plan(w, { columns: 0.5 }))).toMatch(/whole number/)
    expect(thrown(() => linearBackward(zeros(4, 3), w, transposed(zeros(4, 2))))).toMatch(
      /dy is \[2, 4\], expected \[2, 2\]/,
    )
    expect(thrown(() => activationBackward(zeros(2, 2), zeros(2, 3), { activation: 'silu' }))).toMatch(
      /preActivation is \[2, 3\], expected \[2, 2\]/,
    )
  })
})
