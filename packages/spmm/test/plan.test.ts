import { describe, expect, it } from 'vitest'
import {
  bsr,
  csr,
  js,
  kernels,
  linear,
  reference,
  spmm,
  spmmProblem,
  tensor,
  transposed,
  wasm,
  zeros,
} from '../src/index.ts'

/** A matrix of small whole numbers, so that every order of summing gives the same bits. */
function integers(rows: number, columns: number, density: number, seed = 1): Float32Array {
  let state = seed
  return Float32Array.from({ length: rows * columns }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32 < density ? (state % 7) - 3 || 1 : 0
  })
}

const [m, k, n] = [24, 40, 19]
const w = csr.fromDense(integers(m, k, 0.3), [m, k])
const x = tensor(integers(k, n, 1, 7), [k, n])
const expected = [...reference(w, x)]

describe.each([
  ['js', js],
  ['wasm', wasm],
] as const)('on %s', (_, backend) => {
  it('a direct call returns a tensor of the JS heap', () => {
    const y = spmm(w, x, { backend })
    expect(y.shape).toEqual([m, n])
    expect([...y.data]).toEqual(expected)
    expect(y.data.buffer.byteLength).toBe(4 * m * n)
  })

  it('writes into out and returns it, and leaves w, x and bias as they were', () => {
    const before = [w.values, w.columnIndices, w.rowOffsets, x.data].map((array) => [...array])
    const bias = Float32Array.from({ length: m }, (_v, i) => i)
    const out = zeros([m, n])
    expect(spmm(w, x, { backend, out, bias })).toBe(out)
    expect([...out.data]).toEqual([...reference(w, x, { bias })])
    expect([w.values, w.columnIndices, w.rowOffsets, x.data].map((array) => [...array])).toEqual(before)
    expect([...bias]).toEqual(Array.from({ length: m }, (_v, i) => i))
  })

  it('a plan keeps the bias that it was given', () => {
    const bias = Float32Array.from({ length: m }, (_v, i) => i)
    const wanted = [...reference(w, x, { bias })]
    const plan = spmm.plan(w, { columns: n, backend, bias })
    bias.fill(100)
    expect([...plan.run(x).data]).toEqual(wanted)
    plan.dispose()
  })

  it('a bias may lie where the result will', () => {
    const shared = new Float32Array(m * n)
    const bias = shared.subarray(3, 3 + m)
    const wanted = [...reference(w, x, { bias: bias.map((_v, i) => i + 1) })]
    const plan = spmm.plan(w, { columns: n, backend })
    const out = tensor(shared, [m, n])
    for (const run of [() => spmm(w, x, { backend, bias, out }), () => plan.run(x, { bias, out })]) {
      bias.forEach((_v, i) => {
        bias[i] = i + 1
      })
      run()
      expect([...out.data]).toEqual(wanted)
    }
    plan.dispose()
  })

  it('linear is spmm on transposed views', () => {
    const tokens = tensor(
      Float32Array.from({ length: n * k }, (_v, i) => x.data[(i % k) * n + Math.floor(i / k)]),
      [n, k],
    )
    const y = linear(tokens, w, { backend })
    expect(y.shape).toEqual([n, m])
    expect([...transposed(y).data].length).toBe(m * n)
    expect(Array.from({ length: m * n }, (_v, i) => y.data[(i % n) * m + Math.floor(i / n)])).toEqual(expected)
    const plan = linear.plan(w, { columns: 32, backend })
    expect([...plan.run(tokens).data]).toEqual([...y.data])
    plan.dispose()
  })

  it('takes bsr', () => {
    const blocks = bsr.fromCsr(w, [4, 4])
    expect([...spmm(blocks, x, { backend }).data]).toEqual(expected)
  })

  it('a plan runs any number of columns up to its maximum, with tensors of either memory', () => {
    const plan = spmm.plan(w, { columns: 70, backend })
    for (const columns of [0, 1, 3, 4, 5, 16, 17, 33, 64, 65, 70]) {
      const data = integers(k, columns, 1, columns + 1)
      const input = tensor(data, [k, columns])
      const wanted = [...reference(w, input)]
      expect([...plan.run(input).data]).toEqual(wanted)
      const resident = zeros([k, columns], { backend: wasm })
      const out = zeros([m, columns], { backend: wasm })
      resident.data.set(data)
      expect([...plan.run(resident, { out }).data]).toEqual(wanted)
      resident.dispose()
      out.dispose()
    }
    plan.dispose()
  })

  it("a run's bias replaces the plan's for that run, and a residual may be the output", () => {
    const [one, two] = [1, 2].map((value) => new Float32Array(m).fill(value))
    const plan = spmm.plan(w, { columns: n, backend, bias: one })
    expect([...plan.run(x).data]).toEqual(expected.map((v) => v + 1))
    expect([...plan.run(x, { bias: two }).data]).toEqual(expected.map((v) => v + 2))
    expect([...plan.run(x).data]).toEqual(expected.map((v) => v + 1))
    const out = tensor(new Float32Array(m * n).fill(100), [m, n])
    plan.run(x, { out, residual: out })
    expect([...out.data]).toEqual(expected.map((v) => v + 101))
    plan.dispose()
  })

  it('updateValues changes this plan alone, and packings that others hold are copied', () => {
    const first = spmm.plan(w, { columns: n, backend })
    const second = spmm.plan(w, { columns: n, backend })
    first.updateValues(w.values.map((v) => 2 * v))
    expect([...first.run(x).data]).toEqual(expected.map((v) => 2 * v))
    expect([...second.run(x).data]).toEqual(expected)
    first.updateValues(Array.from(w.values, (v) => 3 * v))
    expect([...first.run(x).data]).toEqual(expected.map((v) => 3 * v))
    expect([...spmm(w, x, { backend }).data]).toEqual(expected)
    first.dispose()
    expect([...second.run(x).data]).toEqual(expected)
    second.dispose()
  })

  it('gates halves of the rows with swiglu', () => {
    const y = spmm(w, x, { backend, activation: 'swiglu' })
    expect(y.shape).toEqual([m / 2, n])
    const wanted = reference(w, x, { activation: 'swiglu' })
    expect(y.data.every((v, i) => Math.abs(v - wanted[i]) <= 1e-5 * Math.max(1, Math.abs(wanted[i])))).toBe(true)
  })

  it('implicit zeros never multiply with strictNonFinite', () => {
    const sparse = csr({ shape: [2, 2], rowOffsets: [0, 1, 2], columnIndices: [0, 1], values: [1, 1] })
    const wild = tensor([Number.NaN, 3], [2, 1])
    const plan = spmm.plan(sparse, { columns: 1, backend, strictNonFinite: true })
    expect([...plan.run(wild).data]).toEqual([Number.NaN, 3])
    for (const bucket of plan.explain().buckets) expect(bucket.kernel).not.toContain('dense')
    plan.dispose()
  })

  it('every kernel of the backend can be asked for by name, and its plan says so', () => {
    const open = backend === js ? js : wasm.open()
    const asked = kernels.filter((row) => row.backend === open.name && row.variant.split('_')[0] === open.variant)
    for (const row of asked) {
      if (row.supports(spmmProblem('spmm', w, n, 'none')) !== true) continue
      const plan = spmm.plan(w, { columns: n, backend, kernel: row.name })
      expect(plan.explain()).toMatchObject({ kernel: row.name, why: 'asked for by name' })
      expect([...plan.run(x).data]).toEqual(expected)
      plan.dispose()
    }
    expect(asked.length).toBeGreaterThan(2)
  })
})

describe('plans', () => {
  it('explain what they decided', () => {
    const plan = spmm.plan(w, { columns: 128 })
    const explanation = plan.explain()
    expect(explanation).toMatchObject({ operation: 'spmm', backend: 'wasm', threads: 1, flops: 2 * w.nnz * 128 })
    expect(explanation.buckets.map(({ to }) => to)).toEqual([1, 4, 16, 64, 128])
    expect(explanation.packedBytes).toBe(explanation.packings.reduce((sum, { bytes }) => sum + bytes, 0))
    expect(explanation.packedBytes).toBeGreaterThan(0)
    for (const { others } of explanation.buckets) {
      expect(others.some(({ kernel }) => kernel.includes('dense'))).toBe(true)
      for (const { why } of others) expect(why).not.toBe('')
    }
    expect(String(explanation)).toContain(explanation.kernel)
    plan.dispose()
  })

  it('are released by dispose, also through Symbol.dispose', () => {
    const plan = spmm.plan(w, { columns: 4 })
    expect(plan[Symbol.dispose]).toBe(plan.dispose)
    plan[Symbol.dispose]!()
    plan.dispose()
    for (const use of [() => plan.run(x), () => plan.explain(), () => plan.updateValues(w.values)]) {
      expect(use).toThrow(expect.objectContaining({ name: 'TypeError', code: 'NNZ_DISPOSED' }))
    }
  })

  it('take dense where little is sparse, and sparse where much is', () => {
    const size = 256
    const dense = csr.fromDense(integers(size, size, 1.1), [size, size])
    const thin = csr.fromDense(integers(size, size, 0.05), [size, size])
    for (const backend of [js, wasm]) {
      const kernelOf = (weights: typeof w) => {
        const plan = spmm.plan(weights, { columns: 128, backend })
        const { kernel } = plan.explain()
        plan.dispose()
        return kernel
      }
      expect(kernelOf(dense)).toContain('dense')
      expect(kernelOf(thin)).not.toContain('dense')
    }
  })

  it('keep within maxPackedBytes', () => {
    const plan = spmm.plan(w, { columns: 128 })
    const { packedBytes } = plan.explain()
    plan.dispose()
    const bounded = spmm.plan(w, { columns: 128, maxPackedBytes: packedBytes })
    expect(bounded.explain().packedBytes).toBeLessThanOrEqual(packedBytes)
    bounded.dispose()
    expect(() => spmm.plan(w, { columns: 128, maxPackedBytes: 8 })).toThrow(
      expect.objectContaining({ code: 'NNZ_VALUE' }),
    )
  })
})

describe('supports', () => {
  it('answers for every row with true or a reason in words', () => {
    const answers = spmm.supports(spmmProblem('spmm', w, 16, 'none'))
    expect(Object.keys(answers)).toEqual(kernels.map(({ name }) => name))
    expect(answers.spmm_csr_f32__js_panels).toBe(true)
    expect(answers.spmm_bsr_f32__js_panels).toBe('is for bsr weights, these are csr')
    for (const answer of Object.values(answers)) expect(answer === true || answer.length > 5).toBe(true)
  })

  it('names of the table are unique and say operation, layout, dtype, backend and variant', () => {
    const names = kernels.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const row of kernels) {
      expect(row.name).toMatch(/^spmm_(csr|bsr)_(f32|half|i8)__(js|wasm_simd|wasm_relaxed|cuda_sm80)_[a-z0-9_]+$/)
      expect(Object.isFrozen(kernels)).toBe(true)
    }
  })
})
