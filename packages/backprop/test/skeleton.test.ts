import { spmm } from '@nnz/spmm'
import { expect, it } from 'vitest'
import {
  csr,
  js,
  linearBackward,
  sddmm,
  sddmmReference,
  sparseSoftmax,
  spmmBackward,
  tensor,
  transposed,
} from '../src/index.ts'

const wave = (count: number, step: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * step + step))
const worst = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])))

it('gives the gradients of spmm', () => {
  const w = csr.fromDense(
    wave(15, 0.7).map((v) => Math.max(v, 0)),
    [3, 5],
  )
  const x = tensor(wave(20, 0.3), [5, 4])
  const dy = tensor(wave(12, 0.9), [3, 4])
  const { dx, dValues } = spmmBackward(w, x, dy)
  expect(worst(dx.data, spmm(csr.transpose(w), dy).data)).toBeLessThan(1e-5)
  expect(worst(dValues, sddmmReference(dy, transposed(x), w))).toBeLessThan(1e-5)
  const tokens = linearBackward(tensor(x.data, [4, 5]), w, tensor(dy.data, [4, 3]), { needs: { dBias: true } })
  expect(tokens.dx.shape).toEqual([4, 5])
  expect(tokens.dBias.length).toBe(3)
})

it('gives weights that add up', () => {
  const pattern = csr.fromDense([1, 1, 0, 0, 1, 1], [2, 3])
  const scores = sddmm(tensor(wave(4, 0.5), [2, 2]), tensor(wave(6, 0.8), [2, 3]), pattern)
  const { values } = sparseSoftmax(scores, { backend: js })
  expect(values[0] + values[1]).toBeCloseTo(1, 6)
})
