import { describe, expect, it } from 'vitest'
import { bsr, csr, js, linear, spmm, tensor, wasm, zeros } from '../src/index.ts'

const w = csr({ shape: [4, 3], rowOffsets: [0, 1, 2, 3, 4], columnIndices: [0, 1, 2, 0], values: [1, 2, 3, 4] })
const x = tensor([1, 2, 3, 4, 5, 6], [3, 2])
const tokens = tensor([1, 2, 3, 4, 5, 6], [2, 3])
const gone = zeros([3, 2], { backend: wasm })
gone.dispose()
const buffer = new Float32Array(20)
const inside = tensor(buffer.subarray(0, 6), [3, 2])
const overlapping = tensor(buffer.subarray(4, 12), [4, 2])
const odd = csr.fromDense([1, 2, 3], [3, 1])

describe.each([
  ['js', js],
  ['wasm', wasm],
] as const)('on %s', (_, backend) => {
  it.each<[string, () => unknown, string, string, string]>([
    [
      'w is an array',
      () => spmm([1] as never, x, { backend }),
      'TypeError',
      'NNZ_TYPE',
      'spmm: expected w to be a csr or bsr layout, got Array(1)',
    ],
    [
      'arguments are swapped',
      () => spmm(x as never, w as never, { backend }),
      'TypeError',
      'NNZ_TYPE',
      'are the arguments swapped?',
    ],
    [
      'arguments of linear are swapped',
      () => linear(w as never, tokens as never, { backend }),
      'TypeError',
      'NNZ_TYPE',
      'linear: expected w to be a csr or bsr layout',
    ],
    [
      'w is another layout',
      () => spmm({ layout: 'coo' } as never, x, { backend }),
      'TypeError',
      'NNZ_TYPE',
      'got a coo layout',
    ],
    [
      'w is made by hand, with an index beyond its columns',
      () => spmm({ ...w, columnIndices: Uint32Array.of(0, 1, 99, 0) }, x, { backend }),
      'RangeError',
      'NNZ_LAYOUT',
      'csr: columnIndices[2]: expected an index below 3, got 99',
    ],
    [
      'w is blocks made by hand',
      () => spmm({ ...bsr.fromCsr(w, [2, 2]), values: new Float32Array(1) }, x, { backend }),
      'RangeError',
      'NNZ_LAYOUT',
      'bsr: values',
    ],
    [
      'x is a typed array',
      () => spmm(w, new Float32Array(6) as never, { backend }),
      'TypeError',
      'NNZ_TYPE',
      'spmm: x: expected a tensor, got Float32Array(6)',
    ],
    [
      'x is a vector',
      () => spmm(w, tensor([1, 2, 3], [3]), { backend }),
      'RangeError',
      'NNZ_SHAPE',
      'spmm: x: expected a matrix',
    ],
    [
      'x has other rows',
      () => spmm(w, tokens, { backend }),
      'RangeError',
      'NNZ_SHAPE',
      'spmm: x has 2 rows, expected 3 (the columns of w)',
    ],
    [
      'tokens have other columns',
      () => linear(x, w, { backend }),
      'RangeError',
      'NNZ_SHAPE',
      'linear: x has 2 columns, expected 3 (the columns of w)',
    ],
    [
      'x reaches beyond its data',
      () => spmm(w, { dtype: 'f32', shape: [3, 2], strides: [9, 1], data: new Float32Array(6) }, { backend }),
      'RangeError',
      'NNZ_SHAPE',
      'spmm: x: strides',
    ],
    [
      'x is disposed',
      () => spmm(w, gone, { backend }),
      'TypeError',
      'NNZ_DISPOSED',
      'tensor [3, 2]: used after dispose()',
    ],
    [
      'out has another shape',
      () => spmm(w, x, { backend, out: zeros([2, 4]) }),
      'RangeError',
      'NNZ_SHAPE',
      'spmm: out is [2, 4], expected [4, 2]',
    ],
    [
      'out of linear has another shape',
      () => linear(tokens, w, { backend, out: zeros([4, 2]) }),
      'RangeError',
      'NNZ_SHAPE',
      'linear: out is [4, 2], expected [2, 4]',
    ],
    [
      'out is no tensor',
      () => spmm(w, x, { backend, out: buffer as never }),
      'TypeError',
      'NNZ_TYPE',
      'spmm: out: expected a tensor, got Float32Array(20)',
    ],
    [
      'out keeps elements in one place',
      () => spmm(w, x, { backend, out: tensor([0, 0], [4, 2], { strides: [0, 1] }) }),
      'RangeError',
      'NNZ_SHAPE',
      'spmm: out: expected strides that keep elements apart',
    ],
    [
      'out overlaps x',
      () => spmm(w, inside, { backend, out: overlapping }),
      'RangeError',
      'NNZ_VALUE',
      'spmm: out overlaps x',
    ],
    [
      'out overlaps residual',
      () => spmm(w, x, { backend, out: overlapping, residual: tensor(buffer.subarray(5, 13), [4, 2]) }),
      'RangeError',
      'NNZ_VALUE',
      'spmm: out overlaps residual',
    ],
    [
      'residual has another shape',
      () => spmm(w, x, { backend, residual: zeros([4, 3]) }),
      'RangeError',
      'NNZ_SHAPE',
      'spmm: residual is [4, 3], expected [4, 2]',
    ],
    [
      'residual of swiglu',
      () => spmm(w, x, { backend, activation: 'swiglu', residual: zeros([4, 2]) }),
      'RangeError',
      'NNZ_SHAPE',
      'expected [2, 2]',
    ],
    [
      'bias is too long',
      () => spmm(w, x, { backend, bias: [1, 2, 3, 4, 5] }),
      'RangeError',
      'NNZ_SHAPE',
      'spmm: bias has 5 elements, expected 4 (the rows of w)',
    ],
    [
      'bias is text',
      () => spmm(w, x, { backend, bias: 'abcd' as never }),
      'TypeError',
      'NNZ_TYPE',
      'spmm: bias: expected a typed array of numbers, got "abcd"',
    ],
    [
      'activation is unknown',
      () => spmm(w, x, { backend, activation: 'tanh' as never }),
      'RangeError',
      'NNZ_VALUE',
      'expected activation to be one of none, relu, gelu, gelu-tanh, silu, swiglu, got "tanh"',
    ],
    [
      'swiglu of odd rows',
      () => spmm(odd, zeros([1, 1]), { backend, activation: 'swiglu' }),
      'RangeError',
      'NNZ_SHAPE',
      'swiglu needs an even number of rows of w (gates, then values), got 3',
    ],
    [
      'kernel is unknown',
      () => spmm(w, x, { backend, kernel: 'fastest' }),
      'RangeError',
      'NNZ_BACKEND',
      'spmm: no kernel named fastest',
    ],
    [
      'kernel is of another layout',
      () => spmm(w, x, { backend: js, kernel: 'spmm_bsr_f32__js_panels' }),
      'RangeError',
      'NNZ_BACKEND',
      'is for bsr weights, these are csr',
    ],
    [
      'kernel is of another backend',
      () =>
        spmm(w, x, { backend, kernel: backend === js ? 'spmm_csr_f32__wasm_simd_panels' : 'spmm_csr_f32__js_panels' }),
      'RangeError',
      'NNZ_BACKEND',
      'the backend is',
    ],
    [
      'plan without options',
      () => spmm.plan(w, undefined as never),
      'TypeError',
      'NNZ_TYPE',
      'spmm.plan: expected options to be an object, got undefined',
    ],
    [
      'plan without columns',
      () => spmm.plan(w, { backend } as never),
      'RangeError',
      'NNZ_VALUE',
      'spmm.plan: expected columns to be a whole number >= 0, got undefined',
    ],
    [
      'plan of a fraction',
      () => linear.plan(w, { backend, columns: 1.5 }),
      'RangeError',
      'NNZ_VALUE',
      'linear.plan: expected columns to be a whole number >= 0, got 1.5',
    ],
    [
      'more columns than planned',
      () => spmm.plan(w, { backend, columns: 1 }).run(x),
      'RangeError',
      'NNZ_SHAPE',
      'spmm: x has 2 columns, the plan is for at most 1',
    ],
    [
      'more tokens than planned',
      () => linear.plan(w, { backend, columns: 1 }).run(tokens),
      'RangeError',
      'NNZ_SHAPE',
      'linear: x has 2 rows, the plan is for at most 1',
    ],
    [
      'too few values',
      () => spmm.plan(w, { backend, columns: 1 }).updateValues([1, 2]),
      'RangeError',
      'NNZ_SHAPE',
      'spmm: updateValues got 2 values, expected 4',
    ],
    [
      'values of text',
      () => spmm.plan(w, { backend, columns: 1 }).updateValues('1234' as never),
      'TypeError',
      'NNZ_TYPE',
      'spmm: values',
    ],
    [
      'options of a run are a number',
      () => spmm.plan(w, { backend, columns: 2 }).run(x, 3 as never),
      'TypeError',
      'NNZ_TYPE',
      'spmm: expected options to be an object, got 3',
    ],
    [
      'options of a call are null',
      () => spmm(w, x, null as never),
      'TypeError',
      'NNZ_TYPE',
      'spmm: expected options to be an object, got null',
    ],
    [
      'nothing fits',
      () => spmm.plan(w, { backend, columns: 1, maxPackedBytes: 0 }),
      'RangeError',
      'NNZ_VALUE',
      'maxPackedBytes = 0',
    ],
    [
      'maxPackedBytes is no number',
      () => spmm.plan(w, { backend, columns: 1, maxPackedBytes: Number.NaN }),
      'RangeError',
      'NNZ_VALUE',
      'maxPackedBytes',
    ],
  ])('%s', (_case, call, name, code, message) => {
    buffer.fill(7)
    expect(call).toThrow(expect.objectContaining({ name, code, message: expect.stringContaining(message) }))
    // Nothing is written before the inputs are checked.
    expect(buffer.every((v) => v === 7)).toBe(true)
  })
})

it('a backend that is no object is refused', () => {
  expect(() => spmm(w, x, { backend: 'js' as never })).toThrow(
    expect.objectContaining({ name: 'TypeError', code: 'NNZ_TYPE', message: expect.stringContaining('got "js"') }),
  )
})
