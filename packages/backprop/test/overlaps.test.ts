import { csr, js, tensor, wasm } from '@nnz/core'
import { describe, expect, it } from 'vitest'
import {
  linearBackward,
  sddmm,
  sparseConv2d,
  sparseConv2dBackward,
  sparseSoftmax,
  sparseSoftmaxBackward,
  spmmBackward,
} from '../src/index.ts'

const row = csr.fromDense([1, 2, 3, 4, 5, 6], [2, 3])
const backends = { js, wasm }

/** Runs a call that has to be refused, and checks that the shared memory is as before. */
function expectRefused(memory: Float32Array, call: () => unknown, message: RegExp): void {
  const before = memory.slice()
  expect(call).toThrow(message)
  expect(call).toThrow(RangeError)
  expect(memory).toEqual(before)
}

describe.each(['js', 'wasm'] as const)('outputs that share memory, %s', (name) => {
  const backend = backends[name]

  it('of a softmax are refused unless they are the input', () => {
    const memory = Float32Array.from({ length: 8 }, (_, i) => i / 4)
    const [input, shifted] = [memory.subarray(0, 6), memory.subarray(2, 8)]
    const forward = sparseSoftmax.plan(row, { backend })
    const backward = sparseSoftmaxBackward.plan(row, { backend })
    expectRefused(memory, () => forward.run(input, { out: shifted }), /sparseSoftmax: out overlaps scores/)
    const other = new Float32Array(6).fill(0.5)
    expectRefused(memory, () => backward.run(other, input, { out: shifted }), /out overlaps gradients/)
    expectRefused(memory, () => backward.run(input, other, { out: shifted }), /out overlaps weights/)
    const expected = forward.run(input)
    const slopes = backward.run(expected, input)
    const weights = expected.slice()
    expect(backward.run(weights, input, { out: weights })).toEqual(slopes)
    const gradients = input.slice()
    expect(backward.run(expected, gradients, { out: gradients })).toEqual(slopes)
    expect(forward.run(input, { out: input })).toEqual(expected)
    forward.dispose()
    backward.dispose()
  })

  it('of spmmBackward and linearBackward are refused', () => {
    const memory = new Float32Array(16).fill(7)
    const dx = tensor(memory.subarray(0, 6), [3, 2])
    const [x, dy] = [tensor([1, 2, 3, 4, 5, 6], [3, 2]), tensor([1, 0, 0, 1], [2, 2])]
    const run = (out: object) => spmmBackward(row, x, dy, { backend, needs: { dBias: true }, out })
    const shared = { dx, dValues: memory.subarray(5, 11) }
    expectRefused(memory, () => run(shared), /spmmBackward: out.dValues overlaps out.dx/)
    const sums = { dValues: memory.subarray(0, 6), dBias: memory.subarray(5, 7) }
    expectRefused(memory, () => run(sums), /out.dBias overlaps out.dValues/)
    const turned = { dx: tensor(memory.subarray(0, 6), [2, 3]), dValues: memory.subarray(0, 6) }
    const rows = tensor([1, 2, 3, 4, 5, 6], [2, 3])
    expectRefused(memory, () => linearBackward(rows, row, dy, { backend, out: turned }), /dValues overlaps out.dx/)
    expect(run({ dx, dValues: memory.subarray(6, 12) }).dx.data).toEqual(spmmBackward(row, x, dy, { backend }).dx.data)
  })

  it('of sddmm are refused, the values that scale it included', () => {
    const memory = Float32Array.from({ length: 8 }, (_, i) => i + 1)
    const pattern = csr({ ...row, values: memory.subarray(0, 6) })
    const plan = sddmm.plan(pattern, { columns: 2, scaleByValues: true, backend })
    const [a, b] = [tensor([1, 2, 3, 4], [2, 2]), tensor([1, 2, 3, 4, 5, 6], [2, 3])]
    expectRefused(memory, () => plan.run(a, b, { out: memory.subarray(2, 8) }), /out overlaps the values that scale it/)
    plan.dispose()
  })

  it('of a convolution may be the weights, which a plan does not read again', () => {
    const w = csr.fromDense([1, 2, 3, 4], [1, 4])
    const x = tensor([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 3, 3])
    const dy = tensor([1, 1, 1, 1], [1, 1, 2, 2])
    const plan = sparseConv2dBackward.plan(w, { kernelSize: 2, height: 3, width: 3, backend })
    const first = plan.run(x, dy).dx.data.slice()
    plan.run(x, dy, { out: { dValues: w.values } })
    expect(plan.run(x, dy).dx.data).toEqual(first)
    plan.dispose()
  })

  it.each([1, 2])('of a convolution with kernels of %i are refused', (size) => {
    const w = csr.fromDense(new Float32Array(size * size).fill(2), [1, size * size])
    const geometry = { kernelSize: size, backend }
    const memory = Float32Array.from({ length: 18 }, (_, i) => i)
    const [x, area] = [tensor(memory.subarray(0, 9), [1, 1, 3, 3]), (4 - size) ** 2]
    const images = tensor(memory.subarray(9, 9 + area), [1, 1, 4 - size, 4 - size])
    const bias = memory.subarray(10, 11)
    expectRefused(
      memory,
      () => sparseConv2d(w, x, { ...geometry, bias, out: images }),
      /sparseConv2d: out overlaps bias/,
    )
    const needs = { dBias: true }
    const run = (out: object) => sparseConv2dBackward(w, x, images, { ...geometry, needs, out })
    expectRefused(memory, () => run({ dBias: bias }), /out.dBias overlaps dy/)
    expectRefused(memory, () => run({ dValues: memory.subarray(9, 9 + size * size) }), /out.dValues overlaps dy/)
    expectRefused(memory, () => run({ dValues: memory.subarray(0, size * size) }), /out.dValues overlaps x/)
    const dx = tensor(new Float32Array(9), [1, 1, 3, 3])
    expectRefused(dx.data, () => run({ dx, dBias: dx.data.subarray(0, 1) }), /out.dBias overlaps out.dx/)
  })
})
