import { csr, tensor, transposed } from '@nnz/core'
import { spmm } from '@nnz/spmm'
import { describe, expect, it } from 'vitest'
import { Random } from '../../../test/conformance/support/random.ts'
import {
  bytes,
  flops,
  js,
  kernels,
  nm,
  nmGemm,
  nmGemmTransposed,
  nmg,
  nmLinear,
  nmProblem,
  reference,
  wasm,
} from '../src/index.ts'
import { transposableWeights, weightsOf } from './support.ts'

const random = new Random(4)
/** Small whole numbers: every order of summing gives the same bits. */
const integers = (length: number) => Float32Array.from({ length }, () => Math.floor(random.next() * 9) - 4)

const [m, k, n] = [22, 41, 19]
const dense = integers(m * k)
const weights = {
  nm: nm.fromDense(dense, [m, k], { n: 2, m: 4 }),
  nmg: nmg.fromDense(dense, [m, k], { n: 1, m: 4, g: 3 }),
}
const x = tensor(integers(k * n), [k, n])
const dy = tensor(integers(m * n), [m, n])

function code(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return `${(error as Error).name} ${(error as { code: string }).code}: ${(error as Error).message}`
  }
  return 'none'
}

describe.each([
  ['js', js],
  ['wasm', wasm],
] as const)('on %s', (_, backend) => {
  it.each(['nm', 'nmg'] as const)('%s: the three products', (layout) => {
    const w = weights[layout]
    const y = [...reference('nmGemm', w, x)]
    expect([...nmGemm(w, x, { backend }).data]).toEqual(y)
    const tokens = tensor(
      Float32Array.from({ length: n * k }, (_v, i) => x.data[(i % k) * n + Math.floor(i / k)]),
      [n, k],
    )
    const linear = nmLinear(tokens, w, { backend })
    expect(linear.shape).toEqual([n, m])
    expect(Array.from({ length: m * n }, (_v, i) => linear.data[(i % n) * m + Math.floor(i / n)])).toEqual(y)
    const dx = nmGemmTransposed(w, dy, { backend })
    expect(dx.shape).toEqual([k, n])
    expect([...dx.data]).toEqual([...reference('nmGemmTransposed', w, dy)])
  })

  it('plans run on fewer columns, with other values, and into a given tensor', () => {
    const w = weights.nm
    const plan = nmGemm.plan(w, { columns: 64, backend, bias: integers(m), activation: 'relu' })
    const out = tensor(new Float32Array(m * n), [m, n])
    const bias = integers(m)
    expect(plan.run(x, { out, bias })).toBe(out)
    expect([...out.data]).toEqual([...reference('nmGemm', w, x, { bias, activation: 'relu' })])
    const values = integers(w.nnz)
    plan.updateValues(values)
    expect([...plan.run(x, { bias }).data]).toEqual([
      ...reference('nmGemm', nm({ ...w, values }), x, { bias, activation: 'relu' }),
    ])
    expect(w.values).not.toEqual(values)
    plan.dispose()
    expect(code(() => plan.run(x))).toBe('TypeError NNZ_DISPOSED: nmGemm: the plan was used after dispose()')
  })

  it('a plan of the transposed product takes values in the order of w', () => {
    for (const w of [weights.nm, weights.nmg, transposableWeights([24, 40], 2, 4, random)]) {
      const given = tensor(integers(w.shape[0] * 6), [w.shape[0], 6])
      const plan = nmGemmTransposed.plan(w, { columns: 6, backend })
      const values = integers(w.nnz)
      plan.updateValues(values)
      const changed = w.layout === 'nm' ? nm({ ...w, values }) : nmg({ ...w, values })
      expect([...plan.run(given).data]).toEqual([...reference('nmGemmTransposed', changed, given)])
      plan.dispose()
    }
  })

  it('kernels for csr weights are candidates', () => {
    for (const row of spmm.kernels.filter((kernel) => kernel.backend === backend.name && !kernel.dense)) {
      if (!row.name.includes('csr_f32') || (backend === wasm && !row.variant.startsWith(wasm.variant))) continue
      for (const plan of [nmGemm.plan, nmGemmTransposed.plan]) {
        const transposing = plan === nmGemmTransposed.plan
        const columns = row.name.endsWith('sell') ? 1 : n
        const w = weights.nmg
        const given = transposing ? dy : x
        const few = tensor(given.data, [given.shape[0], columns], { strides: [n, 1] })
        const planned = plan(w, { columns, backend, kernel: row.name, candidates: [spmm] })
        expect(planned.explain().kernel).toBe(row.name)
        const operation = transposing ? 'nmGemmTransposed' : 'nmGemm'
        expect([...planned.run(few).data]).toEqual([...reference(operation, w, few)])
        const values = integers(w.nnz)
        planned.updateValues(values)
        expect([...planned.run(few).data]).toEqual([...reference(operation, nmg({ ...w, values }), few)])
        planned.dispose()
      }
    }
  })
})

describe('dispatch', () => {
  const layer = weightsOf({ shape: [256, 512], n: 2, m: 4 }, random)
  const grouped = weightsOf({ shape: [256, 512], n: 2, m: 8, g: 4 }, random)

  it('says what it chose, and what the others would have taken', () => {
    const plan = nmGemm.plan(layer, { columns: 128, backend: wasm, candidates: [spmm] })
    const explanation = plan.explain()
    expect(explanation).toMatchObject({ operation: 'nmGemm', backend: 'wasm', threads: 1, flops: 2 * layer.nnz * 128 })
    expect(explanation.buckets.map(({ from, to }) => [from, to])).toEqual([
      [1, 1],
      [2, 4],
      [5, 16],
      [17, 64],
      [65, 128],
    ])
    for (const { to, kernel, predictedNanoseconds, others } of explanation.buckets) {
      if (to > 16) expect(kernel).not.toMatch(/dense$/)
      expect(predictedNanoseconds).toBeGreaterThan(0)
      expect([kernel, ...others.map((other) => other.kernel)].some((name) => name.endsWith('dense'))).toBe(true)
      expect(others.some((other) => other.kernel.startsWith('spmm_csr'))).toBe(true)
    }
    expect(explanation.packedBytes).toBeGreaterThan(4 * layer.nnz)
    expect(String(explanation)).toContain('not spmm_csr_f32')
    plan.dispose()
  })

  it('takes pairs of rows for groups, and two bits for one column of 2:4', () => {
    const plan = nmGemm.plan(grouped, { columns: 128, backend: wasm })
    expect(plan.explain().kernel).toMatch(/nmGemm_nmg_f32__wasm_(simd|relaxed)_pairs/)
    plan.dispose()
    const column = nmGemm.plan(layer, { columns: 1, backend: wasm })
    expect(column.explain().kernel).toMatch(/_swizzle$/)
    column.dispose()
  })

  it('takes dense kernels for n = m, unless activations may be infinite', () => {
    const full = weightsOf({ shape: [768, 768], n: 4, m: 4 }, random)
    const plan = nmGemm.plan(full, { columns: 64, backend: wasm })
    expect(plan.explain().kernel).toMatch(/dense$/)
    plan.dispose()
    const strict = nmGemm.plan(full, { columns: 64, backend: wasm, strictNonFinite: true })
    expect(strict.explain().kernel).not.toMatch(/dense$/)
    strict.dispose()
  })

  it('packs the transposed form of transposable masks, and shares the rows of w for others', () => {
    const regular = transposableWeights([256, 512], 2, 4, random)
    const turned = nmGemmTransposed.plan(regular, { columns: 64, backend: wasm })
    expect(turned.explain().kernel).toMatch(/nmGemmTransposed_nm_f32__wasm_(simd|relaxed)_(rows|pairs)$/)
    turned.dispose()
    const forward = nmGemm.plan(layer, {
      columns: 64,
      backend: wasm,
      kernel: `nmGemm_nm_f32__wasm_${wasm.variant}_rows`,
    })
    const backward = nmGemmTransposed.plan(layer, {
      columns: 64,
      backend: wasm,
      kernel: `nmGemmTransposed_nm_f32__wasm_${wasm.variant}_scatter`,
    })
    expect(backward.explain().packings).toEqual(forward.explain().packings)
    forward.dispose()
    backward.dispose()
  })

  it('every row of the table has a name of its own that says what it is', () => {
    expect(new Set(kernels.map(({ name }) => name)).size).toBe(kernels.length)
    for (const { name, backend, variant } of kernels)
      expect(name).toMatch(new RegExp(`^nmGemm(Transposed)?_nmg?_f32__${backend}_`) && (variant ? /./ : /$^/))
  })
})

it('flops and bytes count stored entries', () => {
  const problem = nmProblem('nmGemm', weights.nm, 8, 'none')
  expect(flops(problem)).toBe(2 * weights.nm.nnz * 8)
  expect(bytes(problem)).toBe(4 * weights.nm.nnz + Math.ceil(weights.nm.nnz / 4) + 4 * 8 * (k + m))
})

describe('errors', () => {
  const w = weights.nm
  it.each([
    [
      () => nmGemm(x as never, w as never),
      'TypeError NNZ_TYPE: nmGemm: expected w to be an nm or nmg layout, got a tensor [41, 19] (are the arguments swapped?)',
    ],
    [
      () => nmGemm(csr.fromDense([1], [1, 1]) as never, x),
      'TypeError NNZ_TYPE: nmGemm: expected w to be an nm or nmg layout, got a csr layout',
    ],
    [() => nmGemm(w, dy), 'RangeError NNZ_SHAPE: nmGemm: x has 22 rows, expected 41 (the columns of w)'],
    [() => nmLinear(x, w), 'RangeError NNZ_SHAPE: nmLinear: x has 19 columns, expected 41 (the columns of w)'],
    [
      () => nmGemmTransposed(w, x),
      'RangeError NNZ_SHAPE: nmGemmTransposed: dy has 41 rows, expected 22 (the rows of w)',
    ],
    [
      () => nmGemmTransposed(w, dy, { bias: [1] }),
      'RangeError NNZ_SHAPE: nmGemmTransposed: bias has 1 elements, expected 41 (the columns of w)',
    ],
    [
      () => nmGemm(w, x, { bias: [1] }),
      'RangeError NNZ_SHAPE: nmGemm: bias has 1 elements, expected 22 (the rows of w)',
    ],
    [() => nmGemm(w, x, null as never), 'TypeError NNZ_TYPE: nmGemm: expected options to be an object, got null'],
    [
      () => nmGemm(w, x, { candidates: [{}] as never }),
      'TypeError NNZ_TYPE: nmGemm: expected candidates to be tables of kernels with their costs, such as [spmm], got Array(1)',
    ],
    [
      () => nmGemm(w, x, { activation: 'tanh' as never }),
      'RangeError NNZ_VALUE: nmGemm: expected activation to be one of none, relu, gelu, gelu-tanh, silu, swiglu, got "tanh"',
    ],
    [() => nmGemm(w, transposed(x)), 'RangeError NNZ_SHAPE: nmGemm: x has 19 rows, expected 41 (the columns of w)'],
    [
      () => nmGemm.plan(w, { columns: -1 }),
      'RangeError NNZ_VALUE: nmGemm.plan: expected columns to be a whole number >= 0, got -1',
    ],
    [
      () => nmGemm.plan(w, { columns: 4, maxPackedBytes: 10 }),
      'RangeError NNZ_VALUE: nmGemm.plan: no packing fits into maxPackedBytes = 10',
    ],
    [
      () => nmGemm.plan(w, { columns: 4 }).run(x),
      'RangeError NNZ_SHAPE: nmGemm: x has 19 columns, the plan is for at most 4',
    ],
    [
      () => nmGemm.plan(w, { columns: 4 }).updateValues([1]),
      `RangeError NNZ_SHAPE: nmGemm: updateValues got 1 values, expected ${weights.nm.nnz}`,
    ],
    [() => nmGemm(w, x, { out: x }), 'RangeError NNZ_SHAPE: nmGemm: out is [41, 19], expected [22, 19]'],
  ])('%#', (run, expected) => {
    expect(code(run)).toBe(expected)
  })
})

describe('values in compact types', () => {
  const w = weightsOf({ shape: [64, 256], n: 2, m: 4 }, random) as ReturnType<typeof nm.fromDense>
  const activations = tensor(
    Float32Array.from({ length: 256 * 9 }, () => random.value()),
    [256, 9],
  )
  const exact = reference('nmGemm', w, activations)

  it.each([
    ['f16', 1e-3],
    ['bf16', 1e-2],
    ['i8', 2e-2],
  ] as const)('%s: close to f32, and smaller', (type, share) => {
    const compact = nm.quantise(w, { type, ...(type === 'i8' && { scales: { columns: 64 } }) })
    const y = nmGemm(compact, activations)
    let error = 0
    let size = 0
    exact.forEach((value, i) => {
      error += (y.data[i] - value) ** 2
      size += value ** 2
    })
    expect(Math.sqrt(error / size)).toBeLessThan(share)
    expect(Math.sqrt(error / size)).toBeGreaterThan(share / 100)
    const [plan, plain] = [compact, w].map((weights) => {
      const kind = weights === w ? 'f32' : type === 'i8' ? 'i8' : 'half'
      return nmGemm.plan(weights, {
        columns: 1,
        backend: wasm,
        kernel: `nmGemm_nm_${kind}__wasm_${wasm.variant}_swizzle`,
      })
    })
    expect(plan.explain().packedBytes).toBeLessThan(0.65 * plain.explain().packedBytes)
    for (const planned of [plan, plain]) planned.dispose()
  })

  it('i8 has no transposed product: its scales belong to rows', () => {
    const compact = nm.quantise(w, { type: 'i8' })
    expect(code(() => nmGemmTransposed(compact, activations))).toBe(
      'TypeError NNZ_TYPE: nmGemmTransposed: i8 values have no transposed product, as their scales belong to rows; nm.toFloat32(w) has f32 ones',
    )
  })
})
