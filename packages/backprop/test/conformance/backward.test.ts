import { bsr, csr, runsOn, type Tensor, tensor, transposed, type WasmBackend } from '@nnz/core'
import { magnitudes, reference, spmmProblem } from '@nnz/spmm'
import { expect, it } from 'vitest'
import { csrWeights } from '../../../../test/conformance/support/weights.ts'
import {
  BACKWARD_ACTIVATIONS,
  denseSparse,
  linearBackward,
  sddmmReference,
  slope,
  sparseDense,
  spmmBackward,
} from '../../src/index.ts'
import { transposedKernels } from '../../src/transposed/kernels.ts'
import { openBackend } from '../support/backend.ts'
import { deviation, matrix, Random, sampledCases, U } from '../support/problems.ts'

const backend = await openBackend()
const host = backend.name === 'wasm' ? (backend as WasmBackend) : undefined
const FACTOR = 40
const cases = sampledCases().filter(({ w }) => w.values.every((value) => !Number.isNaN(value)) || w.layout === 'bsr')

const absolute = (x: Tensor): Tensor => ({ ...x, shape: x.shape, strides: x.strides, data: x.data.map(Math.abs) })
const transpose = (w: (typeof cases)[number]['w']) => (w.layout === 'csr' ? csr.transpose(w) : bsr.transpose(w))

/** dZ as the definition says, rounded to f32, row-major. */
function preActivationGradient(dy: Tensor, z: Tensor, activation: (typeof BACKWARD_ACTIVATIONS)[number]): Tensor {
  const [rows, columns] = dy.shape
  const at = (x: Tensor, i: number) => x.data[Math.floor(i / columns) * x.strides[0] + (i % columns) * x.strides[1]]
  return tensor(
    Float32Array.from({ length: rows * columns }, (_, i) => at(dy, i) * slope(at(z, i), activation)),
    [rows, columns],
  )
}

it('gives the gradients of every problem, layout, activation and orientation', () => {
  cases.forEach(({ name, w, n, view }, index) => {
    const random = new Random(index + 1)
    const activation = BACKWARD_ACTIVATIONS[index % BACKWARD_ACTIVATIONS.length]
    const [m, k] = w.shape
    const tokens = index % 2 === 1
    const oriented = (rows: number): Tensor =>
      tokens ? transposed(matrix([n, rows], random, view, host)) : matrix([rows, n], random, view, host)
    const [x, dy, z] = [oriented(k), oriented(m), oriented(m)]
    const dz = preActivationGradient(dy, z, activation)
    // What the slopes are off, beside the products.
    const room = activation === 'none' || activation === 'relu' ? FACTOR : 2 * FACTOR
    const options = { activation, backend, needs: { dBias: true }, preActivation: z }
    const given = tokens ? { ...options, preActivation: transposed(z) } : options
    const got = tokens ? linearBackward(transposed(x), w, transposed(dy), given) : spmmBackward(w, x, dy, given)
    const dx = tokens ? tensor(got.dx.data, [n, k]) : got.dx
    const wantDx = reference(transpose(w), dz)
    const sizesDx = magnitudes(transpose(w), absolute(dy))
    const place = (i: number) => (tokens ? (i % k) * n + Math.floor(i / k) : i)
    const what = `${name}, ${activation}${tokens ? ', tokens' : ''}`
    expect(
      deviation(
        dx.data,
        wantDx.map((_, i) => wantDx[place(i)]),
        (i) => room * U * sizesDx[place(i)],
      ),
      `${what}: dx`,
    ).toBeUndefined()
    const wantValues = sddmmReference(dz, transposed(x), w)
    const sizesValues = sddmmReference(absolute(dy), absolute(transposed(x)), w)
    expect(
      deviation(got.dValues, wantValues, (i) => room * U * sizesValues[i]),
      `${what}: dValues`,
    ).toBeUndefined()
    const sums = Float64Array.from({ length: m }, (_, row) =>
      dz.data.subarray(row * n, (row + 1) * n).reduce((a, b) => a + b, 0),
    )
    expect(
      deviation(got.dBias, sums, () => room * U * (n + 1) * 4),
      `${what}: dBias`,
    ).toBeUndefined()
  })
})

const dxRows = transposedKernels
  .filter((kernel) => runsOn(kernel, backend))
  .map((kernel) => [kernel.name, kernel] as const)

it.each(dxRows)('gives dx by %s, before and after new values', (name, kernel) => {
  let seen = 0
  cases.forEach(({ name: problem, w, n, view }, index) => {
    const other = transpose(w)
    // Few cases have one column, and a row may be for tokens alone.
    if (index % 3 > 0 && n > 1) return
    const tokens = name.includes('tokens')
    if (kernel.supports(spmmProblem(tokens ? 'linear' : 'spmm', other, n, 'none')) !== true) return
    seen++
    const random = new Random(index + 50)
    const dy = matrix([w.shape[0], n], random, view, host)
    const options = { columns: n, backend, kernels: { dx: name }, needs: { dValues: false } }
    const plan = tokens ? linearBackward.plan(w, options) : spmmBackward.plan(w, options)
    const close = (weights: typeof w, what: string) => {
      const sizes = magnitudes(transpose(weights), absolute(dy))
      const { dx } = plan.run(undefined, tokens ? transposed(dy) : dy)
      const want = reference(transpose(weights), dy)
      const k = w.shape[1]
      const place = (i: number) => (tokens ? (i % k) * n + Math.floor(i / k) : i)
      const expected = want.map((_, i) => want[place(i)])
      expect(
        deviation(dx.data, expected, (i) => FACTOR * U * sizes[place(i)]),
        `${problem}, ${what}`,
      ).toBeUndefined()
    }
    close(w, 'given values')
    const values = w.values.map((value, i) => value * (1 + (i % 3)))
    plan.updateValues(values)
    close({ ...w, values }, 'new values')
    plan.dispose()
  })
  expect(seen).toBeGreaterThan(0)
})

it('fuses what could be done apart', () => {
  const random = new Random(5)
  const w = csrWeights([40, 30], 'random', 0.3, random)
  const [x, dy, z] = [
    matrix([30, 24], random, 'rows'),
    matrix([40, 24], random, 'rows'),
    matrix([40, 24], random, 'rows'),
  ]
  for (const activation of BACKWARD_ACTIVATIONS) {
    const dz = preActivationGradient(dy, z, activation)
    const fused = spmmBackward(w, x, dy, { activation, preActivation: z, backend })
    const apart = spmmBackward(w, x, dz, { backend })
    expect(
      deviation(fused.dx.data, apart.dx.data, () => 1e-5),
      activation,
    ).toBeUndefined()
    expect(
      deviation(fused.dValues, apart.dValues, () => 2e-5),
      activation,
    ).toBeUndefined()
  }
})

it('takes new values and new patterns as a plan of its own would', () => {
  const random = new Random(9)
  for (const density of [0.1, 0.9]) {
    const w = csrWeights([70, 90], 'random', density, random)
    const [x, dy] = [matrix([90, 33], random, 'rows'), matrix([70, 33], random, 'rows')]
    const plan = spmmBackward.plan(w, { columns: 40, backend })
    const same = (other: typeof w) => {
      const fresh = spmmBackward.plan(other, { columns: 40, backend })
      const got = plan.run(x, dy)
      const want = fresh.run(x, dy)
      expect(got.dx.data).toEqual(want.dx.data)
      expect(got.dValues).toEqual(want.dValues)
      fresh.dispose()
    }
    same(w)
    for (let step = 0; step < 2; step++) {
      const next = csr({ ...w, values: w.values.map((value) => value + step + 1) })
      plan.updateValues(next.values)
      same(next)
    }
    const other = csrWeights([70, 90], 'uneven', 0.3, random)
    plan.updatePattern(other)
    same(other)
    plan.updatePattern(csr({ ...other, values: other.values.map(Math.sin) }))
    same(csr({ ...other, values: other.values.map(Math.sin) }))
    plan.dispose()
  }
})

it('adds gradients of several batches', () => {
  const random = new Random(12)
  const w = csrWeights([20, 30], 'random', 0.3, random)
  const [x, dy] = [matrix([30, 17], random, 'rows'), matrix([20, 17], random, 'rows')]
  const plan = spmmBackward.plan(w, { columns: 17, backend, needs: { dBias: true } })
  const once = plan.run(x, dy)
  const out = { dValues: once.dValues.slice(), dBias: once.dBias.slice() }
  plan.run(x, dy, { out, accumulate: true })
  expect(
    deviation(
      out.dValues,
      once.dValues.map((value) => 2 * value),
      () => 1e-5,
    ),
  ).toBeUndefined()
  expect(
    deviation(
      out.dBias,
      once.dBias.map((value) => 2 * value),
      () => 1e-5,
    ),
  ).toBeUndefined()
  plan.dispose()
})

it('multiplies on both sides, transposed or not', () => {
  for (const [index, { name, w, n, view }] of cases.entries()) {
    if (index % 3 > 0) continue
    const random = new Random(index)
    const [m, k] = w.shape
    for (const flip of [false, true]) {
      const op = flip ? transpose(w) : w
      const right = matrix([flip ? m : k, n], random, view, host)
      const scale = magnitudes(op, absolute(right))
      const product = sparseDense(w, right, { transposed: flip, backend })
      expect(
        deviation(product.data, reference(op, right), (i) => FACTOR * U * scale[i]),
        `${name}, right`,
      ).toBeUndefined()
      const left = matrix([n, flip ? k : m], random, view, host)
      const turned = reference(transpose(op), transposed(left))
      const sizes = magnitudes(transpose(op), absolute(transposed(left)))
      const columns = flip ? m : k
      const place = (i: number) => (i % columns) * n + Math.floor(i / columns)
      const other = denseSparse(left, w, { transposed: flip, backend })
      expect(
        deviation(
          other.data,
          turned.map((_, i) => turned[place(i)]),
          (i) => FACTOR * U * sizes[place(i)],
        ),
        `${name}, left`,
      ).toBeUndefined()
    }
  }
})
