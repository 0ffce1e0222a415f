import { afterEach, describe, expect, it } from 'vitest'
import type { Backend } from '../src/backends/backend.ts'
import { js } from '../src/backends/js.ts'
import { BucketedPlan, type PlanSpecification } from '../src/plan/bucketed-plan.ts'
import { type CostModel, setCostModel } from '../src/plan/cost-model.ts'
import { choose, rank } from '../src/plan/dispatch.ts'
import { F32_TYPES, type Kernel, type Packing, type Problem } from '../src/plan/kernel.ts'

/** A packing that counts its lives. */
class Counted implements Packing {
  static alive = 0
  static made = 0
  bytes: number
  values: number[]
  #disposed = false

  constructor(bytes: number, values: readonly number[]) {
    this.bytes = bytes
    this.values = [...values]
    Counted.alive++
    Counted.made++
  }

  updateValues(values: Float32Array): void {
    this.values = [...values]
  }

  dispose(): void {
    if (this.#disposed) throw new Error('disposed twice')
    this.#disposed = true
    Counted.alive--
  }
}

interface Weights {
  readonly values: readonly number[]
}

interface Arguments {
  ran: { kernel: string; values: number[]; columns: number }[]
}

type Row = Kernel<Problem, Weights, Arguments>

function row(name: string, options: Partial<Row> & { bytes?: number } = {}): Row {
  const { bytes = 100, ...rest } = options
  return {
    name,
    operation: 'toy',
    backend: 'js',
    variant: 'js_toy',
    types: F32_TYPES,
    format: name,
    dense: false,
    supports: () => true,
    runFeatures: ({ n }) => [1, n],
    packFeatures: () => [1],
    pack: (weights) => new Counted(bytes, weights.values),
    plan: (problem, packing) => ({
      run: ({ ran }) => void ran.push({ kernel: name, values: (packing as Counted).values, columns: problem.n }),
    }),
    ...rest,
  }
}

const problem = (n: number): Problem => ({ operation: 'toy', n })
const runs = Number.POSITIVE_INFINITY
const names = (candidates: readonly { kernel: Row }[]) => candidates.map(({ kernel }) => kernel.name)

afterEach(() => {
  setCostModel({})
  Counted.alive = 0
  Counted.made = 0
})

describe('rank and choose', () => {
  const costs: CostModel = { slow: { run: [0, 10], pack: [0] }, fast: { run: [100, 1], pack: [5000] } }
  const rows = [row('slow'), row('fast')]

  it('take the least predicted time at the number of columns', () => {
    expect(choose(rows, problem(5), js, { costs, runs }).chosen.name).toBe('slow')
    expect(choose(rows, problem(50), js, { costs, runs }).chosen.name).toBe('fast')
  })

  it('let packing be paid by the runs, unless it is there already', () => {
    expect(choose(rows, problem(50), js, { costs, runs: 1 }).chosen.name).toBe('slow')
    expect(choose(rows, problem(50), js, { costs, runs: 100 }).chosen.name).toBe('fast')
    expect(choose(rows, problem(50), js, { costs, runs: 1, packed: new Set(['fast']) }).chosen.name).toBe('fast')
  })

  it('choose the same for any number of threads, so that results are the same', () => {
    const many: Backend = { name: 'js', variant: 'js', threads: 64 }
    for (const n of [5, 11, 12, 50])
      expect(rank(rows, problem(n), many, { costs, runs })).toEqual(rank(rows, problem(n), js, { costs, runs }))
  })

  it('give dense a margin, and show its prediction as it is', () => {
    const dense = row('dense', { dense: true })
    const model = { sparse: { run: [0, 0.97], pack: [0] }, dense: { run: [0, 1], pack: [0] } }
    const near = choose([row('sparse'), dense], problem(100), js, { costs: model, runs })
    expect(near.chosen.name).toBe('dense')
    expect(near.candidates[0].nanoseconds).toBe(100)
    const clear = choose([row('sparse'), dense], problem(100), js, {
      costs: { ...model, sparse: { run: [0, 0.9], pack: [0] } },
      runs,
    })
    expect(clear.chosen.name).toBe('sparse')
  })

  it('put kernels without coefficients last, in the order of the table', () => {
    const table = [row('unknown1'), row('unknown2'), ...rows]
    expect(names(rank(table, problem(5), js, { costs, runs }))).toEqual(['slow', 'fast', 'unknown1', 'unknown2'])
    expect(choose([row('a'), row('b')], problem(5), js, { costs: {}, runs }).chosen.name).toBe('a')
  })

  it('leave out what cannot run, with the reason', () => {
    const table = [
      row('other backend', { backend: 'gpu', variant: 'gpu_x' }),
      row('picky', { supports: () => 'is for odd columns' }),
      row('dense', { dense: true }),
      row('good'),
    ]
    const reasons = rank(table, problem(4), js, { costs: {}, runs, strictNonFinite: true }).map(
      ({ kernel, reason }) => [kernel.name, reason],
    )
    expect(reasons).toEqual([
      ['good', undefined],
      ['other backend', 'needs gpu gpu_x, the backend is js js'],
      ['picky', 'is for odd columns'],
      ['dense', 'dense, and strictNonFinite is set'],
    ])
  })

  it('fail with every reason', () => {
    const table = [row('picky', { supports: () => 'is for odd columns' }), row('dense', { dense: true })]
    expect(() => choose(table, problem(4), js, { costs: {}, runs, strictNonFinite: true })).toThrow(
      expect.objectContaining({
        name: 'RangeError',
        code: 'NNZ_BACKEND',
        message: expect.stringMatching(/picky: is for odd columns; dense: dense, and strictNonFinite/),
      }),
    )
    expect(() => choose(table, problem(4), js, { costs: {}, runs, kernel: 'nobody' })).toThrow(
      'no kernel named nobody can run this on js js (none in the table)',
    )
    expect(() => choose(table, problem(4), js, { costs: {}, runs, kernel: 'picky' })).toThrow(
      'picky: is for odd columns',
    )
  })

  it('setCostModel replaces coefficients, and refuses others', () => {
    setCostModel({ slow: { run: [0, 0.001], pack: [0] } })
    expect(choose(rows, problem(50), js, { costs, runs }).chosen.name).toBe('slow')
    for (const wrong of [
      null,
      { slow: null },
      { slow: { run: [1] } },
      { slow: { run: ['1'], pack: [] } },
      { slow: { run: [Number.NaN], pack: [] } },
    ]) {
      expect(() => setCostModel(wrong as never)).toThrow(
        expect.objectContaining({ name: 'TypeError', code: 'NNZ_TYPE' }),
      )
    }
  })
})

describe('BucketedPlan', () => {
  const weights = (): Weights => ({ values: [1, 2, 3] })
  const plan = (options: Partial<PlanSpecification<Problem, Weights, Arguments>> = {}) =>
    new BucketedPlan<Problem, Weights, Arguments>({
      kernels: [row('narrow'), row('wide')],
      weights: weights(),
      backend: js,
      costs: { narrow: { run: [0, 10], pack: [0] }, wide: { run: [300, 1], pack: [0] } },
      problem,
      columns: 100,
      flops: ({ n }) => 1000 * n,
      bytes: ({ n }) => 10 * n,
      ...options,
    })
  const ran = (made: ReturnType<typeof plan>, columns: number) => {
    const args: Arguments = { ran: [] }
    made.run(columns, args)
    return args.ran[0]
  }

  it('uses the kernel of the bucket that the columns fall into', () => {
    const made = plan()
    expect([0, 1, 4, 5, 16, 17, 64, 65, 100].map((n) => ran(made, n).kernel)).toEqual([
      'narrow',
      'narrow',
      'narrow',
      'narrow',
      'narrow',
      'wide',
      'wide',
      'wide',
      'wide',
    ])
    expect(ran(made, 17).columns).toBe(64)
    expect(() => ran(made, 101)).toThrow(
      expect.objectContaining({ code: 'NNZ_SHAPE', message: expect.stringContaining('101 columns') }),
    )
    made.dispose()
    expect(Counted.alive).toBe(0)
  })

  it('shares a packing where a format of its own would save little', () => {
    const made = plan({ costs: { narrow: { run: [0, 1], pack: [0] }, wide: { run: [0.2, 0.99], pack: [0] } } })
    expect(made.explain().packings).toEqual([{ format: 'wide', bytes: 100 }])
    expect(ran(made, 1).kernel).toBe('wide')
    made.dispose()
  })

  it('runs a kernel that was asked for at every number of columns', () => {
    const made = plan({
      kernels: [row('narrow'), row('wide', { supports: ({ n }) => n > 50 || 'is for many columns' })],
      kernel: 'wide',
    })
    expect(ran(made, 2).kernel).toBe('wide')
    expect(made.explain().why).toBe('asked for by name')
    made.dispose()
  })

  it('keeps within maxPackedBytes, and fails where nothing fits', () => {
    const kernels = [row('narrow', { bytes: 60 }), row('wide', { bytes: 100 })]
    const both = plan({ kernels, maxPackedBytes: 160 })
    expect(both.explain().packedBytes).toBe(160)
    both.dispose()
    const one = plan({ kernels, maxPackedBytes: 159 })
    expect(one.explain()).toMatchObject({ packedBytes: 100, packings: [{ format: 'wide' }] })
    expect(ran(one, 1).kernel).toBe('wide')
    one.dispose()
    const small = plan({ kernels, maxPackedBytes: 60 })
    expect(small.explain()).toMatchObject({ packedBytes: 60, kernel: 'narrow' })
    small.dispose()
    expect(() => plan({ kernels, maxPackedBytes: 59 })).toThrow(
      expect.objectContaining({
        name: 'RangeError',
        code: 'NNZ_VALUE',
        message: expect.stringContaining('maxPackedBytes = 59'),
      }),
    )
    expect(Counted.alive).toBe(0)
  })

  it('refuses columns that are no count', () => {
    for (const columns of [-1, 1.5, Number.NaN, undefined as never]) {
      expect(() => plan({ columns })).toThrow(expect.objectContaining({ name: 'RangeError', code: 'NNZ_VALUE' }))
    }
  })

  it('plans of one weight share packings until the last is disposed', () => {
    const shared = weights()
    const first = plan({ weights: shared })
    const second = plan({ weights: shared })
    const other = plan()
    expect(Counted.made).toBe(4)
    first.dispose()
    first.dispose()
    expect(Counted.alive).toBe(4)
    expect(ran(second, 5).values).toEqual([1, 2, 3])
    second.dispose()
    expect(Counted.alive).toBe(2)
    other.dispose()
    const third = plan({ weights: shared })
    expect(Counted.alive).toBe(2)
    third.dispose()
  })

  it('updateValues writes every packing of this plan and none of another', () => {
    const shared = weights()
    const first = plan({ weights: shared })
    const second = plan({ weights: shared })
    first.updateValues(Float32Array.of(7, 8, 9))
    expect([1, 100].map((n) => ran(first, n).values)).toEqual([
      [7, 8, 9],
      [7, 8, 9],
    ])
    expect([1, 100].map((n) => ran(second, n).values)).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ])
    // A second time in place: the packings are its own now.
    const made = Counted.made
    first.updateValues(Float32Array.of(4, 5, 6))
    expect(Counted.made).toBe(made)
    expect(ran(first, 1).values).toEqual([4, 5, 6])
    first.dispose()
    second.dispose()
    expect(Counted.alive).toBe(0)
  })

  it('a plan made after updateValues starts from the values of the weights', () => {
    const shared = weights()
    const first = plan({ weights: shared })
    first.updateValues(Float32Array.of(7, 8, 9))
    const second = plan({ weights: shared })
    expect(ran(second, 1).values).toEqual([1, 2, 3])
    first.dispose()
    second.updateValues(Float32Array.of(0, 0, 0))
    second.dispose()
    expect(Counted.alive).toBe(0)
  })

  it('releases what it packed when planning fails half way', () => {
    const broken = row('narrow', {
      pack: () => {
        throw new Error('no memory')
      },
    })
    expect(() => plan({ kernels: [broken, row('wide')] })).toThrow('no memory')
    expect(Counted.alive).toBe(0)
  })

  it('explains itself as data and as text', () => {
    const other = row('of another layout', { supports: () => 'is for other weights' })
    const made = plan({
      kernels: [row('narrow'), row('wide'), row('dense', { dense: true }), other],
      strictNonFinite: true,
    })
    const explanation = made.explain()
    expect(explanation).toMatchObject({
      operation: 'toy',
      backend: 'js',
      variant: 'js',
      threads: 1,
      kernel: 'wide',
      flops: 100_000,
      bytes: 1000,
      packedBytes: 200,
    })
    expect(
      explanation.buckets.map(({ from, to, kernel, predictedNanoseconds }) => [from, to, kernel, predictedNanoseconds]),
    ).toEqual([
      [1, 1, 'narrow', 10],
      [2, 4, 'narrow', 40],
      [5, 16, 'narrow', 160],
      [17, 64, 'wide', 364],
      [65, 100, 'wide', 400],
    ])
    expect(explanation.buckets[0].others).toEqual([
      { kernel: 'wide', why: 'predicted 0.301 µs' },
      { kernel: 'dense', why: 'dense, and strictNonFinite is set' },
    ])
    const text = String(explanation)
    expect(text).toContain('toy on js (js, 1 thread): wide')
    expect(text).toContain('why: least predicted time')
    expect(text).toContain('columns 65..100: wide, predicted 0.400 µs')
    expect(text).toContain('not dense: dense, and strictNonFinite is set')
    expect(text).toContain('packed as wide')
    made.dispose()
  })

  it('throws after dispose', () => {
    const made = plan()
    made.dispose()
    for (const call of [() => ran(made, 1), () => made.explain(), () => made.updateValues(new Float32Array(3))]) {
      expect(call).toThrow(expect.objectContaining({ name: 'TypeError', code: 'NNZ_DISPOSED' }))
    }
  })
})
