import { describe, expect, it } from 'vitest'
import { js } from '../src/backends/js.ts'
import { wasm } from '../src/backends/wasm.ts'
import { describe as describeValue } from '../src/errors.ts'
import { expectMatrix, expectOutput, overlaps, tensor, transposed, zeros } from '../src/tensor.ts'

describe('tensor', () => {
  it('wraps a Float32Array without copying and converts other arrays', () => {
    const data = Float32Array.of(1, 2, 3, 4, 5, 6)
    const x = tensor(data, [2, 3])
    expect(x).toMatchObject({ dtype: 'f32', shape: [2, 3], strides: [3, 1] })
    expect(x.data).toBe(data)
    expect(tensor([1, 2], [2]).data).toEqual(Float32Array.of(1, 2))
    expect(tensor(Float64Array.of(0.1), [1]).data).toEqual(Float32Array.of(0.1))
    expect(tensor([], [0, 4]).strides).toEqual([4, 1])
  })

  it('takes strides', () => {
    expect(tensor(new Float32Array(10), [2, 3], { strides: [4, 1] }).strides).toEqual([4, 1])
    expect(tensor(new Float32Array(3), [2, 3], { strides: [0, 1] }).strides).toEqual([0, 1])
  })

  it('is frozen: shapes that were checked stay', () => {
    const shape = [1, 2]
    const x = tensor([1, 2], shape)
    shape[0] = 9
    expect(x.shape).toEqual([1, 2])
    expect(Object.isFrozen(x) && Object.isFrozen(x.shape) && Object.isFrozen(x.strides)).toBe(true)
  })

  it.each([
    [
      'text',
      () => tensor('abc' as never, [3]),
      TypeError,
      'NNZ_TYPE',
      'tensor: expected a typed array of numbers, got "abc"',
    ],
    ['text inside', () => tensor(['1'] as never, [1]), TypeError, 'NNZ_TYPE', 'tensor: expected numbers'],
    ['bigint', () => tensor(BigInt64Array.of(1n) as never, [1]), TypeError, 'NNZ_TYPE', 'BigInt64Array(1)'],
    ['a DataView', () => tensor(new DataView(new ArrayBuffer(4)) as never, [1]), TypeError, 'NNZ_TYPE', 'tensor'],
    ['no shape', () => tensor([1], 1 as never), TypeError, 'NNZ_TYPE', 'tensor: expected a shape'],
    [
      'too short',
      () => tensor([1, 2, 3], [2, 2]),
      RangeError,
      'NNZ_SHAPE',
      'data has 3 elements, expected 4 for [2, 2]',
    ],
    ['too long', () => tensor([1, 2, 3], [2]), RangeError, 'NNZ_SHAPE', 'data has 3 elements, expected 2'],
    ['negative extent', () => tensor([], [-1]), RangeError, 'NNZ_SHAPE', 'got [-1]'],
    ['fractional extent', () => tensor([], [0.5]), RangeError, 'NNZ_SHAPE', 'got [0.5]'],
    ['too many elements', () => tensor([], [2 ** 20, 2 ** 20]), RangeError, 'NNZ_SHAPE', 'expected at most 2^31'],
    ['one stride', () => tensor([1], [1, 1], { strides: [1] }), RangeError, 'NNZ_SHAPE', 'expected 2 strides'],
    ['negative stride', () => tensor([1], [1, 1], { strides: [-1, 1] }), RangeError, 'NNZ_SHAPE', 'got [-1, 1]'],
    [
      'strides beyond the data',
      () => tensor(new Float32Array(6), [2, 3], { strides: [4, 1] }),
      RangeError,
      'NNZ_SHAPE',
      'reach element 6, data has 6',
    ],
    [
      'zeros of another dtype',
      () => zeros([1], { dtype: 'f64' as never }),
      RangeError,
      'NNZ_VALUE',
      'expected dtype "f32", got "f64"',
    ],
    [
      'zeros on a backend without memory',
      () => zeros([1], { backend: js as never }),
      TypeError,
      'NNZ_TYPE',
      'expected a backend with memory of its own',
    ],
    ['zeros of a wrong shape', () => zeros([1.5]), RangeError, 'NNZ_SHAPE', 'zeros'],
    [
      'a matrix of one axis',
      () => expectMatrix(tensor([1], [1]), 'f: x'),
      RangeError,
      'NNZ_SHAPE',
      'f: x: expected a matrix',
    ],
    [
      'a matrix of nothing',
      () => expectMatrix(undefined, 'f: x'),
      TypeError,
      'NNZ_TYPE',
      'f: x: expected a tensor, got undefined',
    ],
    [
      'a hand-made tensor that reaches beyond its data',
      () => expectMatrix({ dtype: 'f32', shape: [2, 2], strides: [100, 1], data: new Float32Array(4) }, 'f: x'),
      RangeError,
      'NNZ_SHAPE',
      'f: x: strides [100, 1] reach element 101',
    ],
    ...[Float64Array.of(1), Int32Array.of(1), [1], undefined].flatMap((data) =>
      [expectMatrix, expectOutput].map((expectTensor): [string, () => unknown, typeof TypeError, string, string] => [
        `a hand-made tensor of ${describeValue(data)} in ${expectTensor.name}`,
        () => expectTensor({ dtype: 'f32', shape: [1, 1], strides: [1, 1], data } as never, 'f: x'),
        TypeError,
        'NNZ_TYPE',
        `f: x: expected a tensor, got an object [1, 1] whose data is ${describeValue(data)}`,
      ]),
    ),
    [
      'a tensor of another dtype',
      () => expectMatrix({ ...tensor([1], [1, 1]), dtype: 'f64' as never }, 'f: x'),
      TypeError,
      'NNZ_TYPE',
      'got an object [1, 1] of dtype "f64"',
    ],
    [
      'an output whose elements share a place',
      () => expectOutput(tensor([1], [2, 2], { strides: [0, 0] }), 'f: out'),
      RangeError,
      'NNZ_SHAPE',
      'f: out: expected strides that keep elements apart',
    ],
    [
      'an output whose rows overlap',
      () => expectOutput(tensor(new Float32Array(5), [2, 3], { strides: [2, 1] }), 'f: out'),
      RangeError,
      'NNZ_SHAPE',
      '[2, 1] for [2, 3]',
    ],
  ])('refuses %s', (_, call, kind, code, message) => {
    expect(call).toThrow(kind)
    expect(call).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }))
  })
})

describe('views', () => {
  it('transposed sees the same elements', () => {
    const x = tensor([1, 2, 3, 4, 5, 6], [2, 3])
    const t = transposed(x)
    expect(t).toMatchObject({ shape: [3, 2], strides: [1, 3] })
    expect(t.data).toBe(x.data)
    expect(transposed(t)).toMatchObject({ shape: [2, 3], strides: [3, 1] })
  })

  it('overlap is seen by bytes', () => {
    const data = new Float32Array(10)
    const view = (from: number, to: number) => tensor(data.subarray(from, to), [to - from])
    expect(overlaps(view(0, 5), view(4, 6))).toBe(true)
    expect(overlaps(view(0, 5), view(5, 10))).toBe(false)
    expect(overlaps(view(0, 10), view(3, 3))).toBe(false)
    expect(overlaps(view(0, 5), tensor(new Float32Array(5), [5]))).toBe(false)
  })
})

describe('zeros', () => {
  it('lie on the JS heap, or in WASM memory with a fresh live view at each access', () => {
    expect(zeros([2, 2]).data).toEqual(new Float32Array(4))
    const x = zeros([2, 3], { backend: wasm })
    expect(x.data.buffer).toBe(wasm.open().memory.memory.buffer)
    x.data[5] = 7
    expect([...x.data]).toEqual([0, 0, 0, 0, 0, 7])
    x.dispose()
  })
})
