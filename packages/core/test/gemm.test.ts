import { describe, expect, it } from 'vitest'
import { js } from '../src/backends/js.ts'
import { wasm } from '../src/backends/wasm.ts'
import { gemm } from '../src/gemm/gemm.ts'
import { tensor, transposed, zeros } from '../src/tensor.ts'

const a = tensor([1, 2, 3, 4, 5, 6], [2, 3])
const b = tensor([1, 0, 0, 1, 1, 1], [3, 2])

describe.each([
  ['js', js],
  ['wasm', wasm],
] as const)('gemm on %s', (_, backend) => {
  it('multiplies, with transposed operands and a given output', () => {
    expect([...gemm(a, b, { backend }).data]).toEqual([4, 5, 10, 11])
    expect([...gemm(transposed(a), transposed(b), { backend }).data]).toEqual([1, 4, 5, 2, 5, 7, 3, 6, 9])
    const out = zeros([2, 2])
    expect(gemm(a, b, { backend, out })).toBe(out)
    expect([...out.data]).toEqual([4, 5, 10, 11])
  })

  it('plans, updates values and copies its weights', () => {
    const data = Float32Array.of(1, 2, 3, 4)
    const plan = gemm.plan(tensor(data, [2, 2]), { columns: 20, backend })
    data.fill(0)
    const x = tensor([1, 1], [2, 1])
    expect([...plan.run(x).data]).toEqual([3, 7])
    plan.updateValues([5, 6, 7, 8])
    expect([...plan.run(x).data]).toEqual([11, 15])
    plan.dispose()
  })

  it('results belong to the JS heap', () => {
    const y = gemm(a, b, { backend })
    expect(y.data.buffer).toBeInstanceOf(ArrayBuffer)
    expect(y.data.byteLength).toBe(y.data.buffer.byteLength)
  })

  it.each([
    ['a is no matrix', () => gemm([1] as never, b, { backend }), 'NNZ_TYPE', 'gemm: a: expected a tensor'],
    ['b is no matrix', () => gemm(a, tensor([1], [1]), { backend }), 'NNZ_SHAPE', 'gemm: b: expected a matrix'],
    [
      'inner extents differ',
      () => gemm(a, a, { backend }),
      'NNZ_SHAPE',
      'gemm: b has 2 rows, expected 3 (the columns of a)',
    ],
    [
      'out has another shape',
      () => gemm(a, b, { backend, out: zeros([2, 3]) }),
      'NNZ_SHAPE',
      'gemm: out is [2, 3], expected [2, 2]',
    ],
    [
      'out is b',
      () => gemm(tensor([1, 0, 0, 1], [2, 2]), x22, { backend, out: x22 }),
      'NNZ_VALUE',
      'gemm: out overlaps b',
    ],
    ['no columns', () => gemm.plan(a, {} as never), 'NNZ_VALUE', 'gemm.plan: expected columns'],
    ['no options', () => gemm.plan(a, null as never), 'NNZ_TYPE', 'gemm.plan: expected options'],
    [
      'too many columns',
      () => gemm.plan(a, { columns: 1, backend }).run(b),
      'NNZ_SHAPE',
      'gemm: b has 2 columns, the plan is for at most 1',
    ],
    [
      'too few values',
      () => gemm.plan(a, { columns: 1, backend }).updateValues([1]),
      'NNZ_SHAPE',
      'gemm: updateValues got 1 values, expected 6',
    ],
    ['an unknown kernel', () => gemm(a, b, { backend, kernel: 'none' }), 'NNZ_BACKEND', 'no kernel named none'],
    [
      'no backend',
      () => gemm(a, b, { backend: 'wasm' as never }),
      'NNZ_TYPE',
      'backend: expected a backend object such as js or wasm, got "wasm"',
    ],
    [
      'a backend of nobody',
      () => gemm(a, b, { backend: { name: 'gpu', variant: 'x', threads: 1 } }),
      'NNZ_BACKEND',
      'gpu',
    ],
  ])('refuses: %s', (_case, call, code, message) => {
    expect(call).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }))
  })
})

const x22 = tensor([1, 2, 3, 4], [2, 2])
