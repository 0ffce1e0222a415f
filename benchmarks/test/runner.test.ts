import type { Csr } from '@nnz/core'
import { describe, expect, it } from 'vitest'
import { makeSpmmTask, type SpmmTask } from '../src/products/task.ts'
import { quickWorkloads } from '../src/products/workloads.ts'
import type { BenchRecord, Contender } from '../src/records/index.ts'
import { recordSchema } from '../src/records/schema.ts'
import type { ContenderSpec, Prepared } from '../src/runner/contender.ts'
import { measureTask } from '../src/runner/measure.ts'
import { mergeProcesses, peakFor, pointsOf } from '../src/runner/run-matrix.ts'
import { errorOf } from '../src/runner/task.ts'

const BUDGET = { sampling: 4, warmup: 1, rounds: 2 }

async function task(): Promise<SpmmTask> {
  return makeSpmmTask(quickWorkloads().find(({ id }) => id === 'bert-base/ffn-up/n16/uniform')!, 0.9)
}

function contender(name: string): Contender {
  return {
    type: 'kernel',
    name,
    class: 'nnz-js',
    method: 'sparse',
    version: null,
    settings: {},
    threads: 1,
    dtype: 'f32',
  }
}

/** A kernel that is right, with a fault built in. */
function faulty(name: string, fault: (right: Float32Array, runs: number) => Float32Array): ContenderSpec<SpmmTask> {
  return {
    contender: contender(name),
    supports: () => true,
    async prepare({ weights, n, m }): Promise<Prepared> {
      if (weights.layout !== 'csr') throw new Error('expected csr')
      let x = new Float32Array()
      let y: Float32Array = new Float32Array(m * n)
      let runs = 0
      return {
        planning: 1,
        packedBytes: 1,
        setInput([values]) {
          x = values.slice()
        },
        run() {
          y = fault(multiply(weights, x, n), runs++)
        },
        output: () => y,
        dispose() {},
      }
    },
  }
}

function multiply(w: Csr, x: Float32Array, n: number): Float32Array {
  const y = new Float32Array(w.shape[0] * n)
  for (let row = 0; row < w.shape[0]; row++) {
    for (let i = w.rowOffsets[row]; i < w.rowOffsets[row + 1]; i++) {
      for (let j = 0; j < n; j++) y[row * n + j] += w.values[i] * x[w.columnIndices[i] * n + j]
    }
  }
  return y
}

async function measure(spec: ContenderSpec<SpmmTask>): Promise<BenchRecord> {
  const records: BenchRecord[] = []
  await measureTask(await task(), [spec], { budget: BUDGET, peakOf: () => undefined, seed: 1 }, async (record) => {
    records.push(recordSchema.parse(record))
  })
  expect(records).toHaveLength(1)
  return records[0]
}

describe('measuring', () => {
  it('keeps the samples of a contender that is right', async () => {
    const record = await measure(faulty('right', (right) => right))
    expect(record.status).toBe('passed')
    expect(record.samples[0].length).toBeGreaterThanOrEqual(BUDGET.rounds)
    expect(record.flops).toBe(2 * record.problem.nnz! * 16)
  })

  it('catches a kernel that is wrong in one element of a thousand', async () => {
    const record = await measure(
      faulty('wrong', (right) => right.map((value, i) => (i % 1000 === 0 ? value + 0.01 : value))),
    )
    expect(record.status).toBe('incorrect')
    expect(record.samples).toEqual([])
    expect(record.reason).toContain('is allowed')
  })

  it('catches a kernel that returns its previous result', async () => {
    let previous: Float32Array | undefined
    const cheat = faulty('cheating', (right) => {
      previous ??= right
      return previous
    })
    expect((await measure(cheat)).status).toBe('incorrect')
  })

  it('catches a kernel that goes wrong only after the check', async () => {
    const record = await measure(faulty('late', (right, runs) => (runs < 5 ? right : new Float32Array(right.length))))
    expect(record.status).toBe('incorrect')
    expect(record.samples).toEqual([])
  })

  it('catches a kernel that returns an earlier result once it is timed', async () => {
    let kept: Float32Array | undefined
    const late = faulty('late cheat', (right, runs) => {
      if (runs < 3) return right
      kept ??= right
      return kept
    })
    expect((await measure(late)).status).toBe('incorrect')
  })

  it('records what a contender threw while it was timed, and goes on with the others', async () => {
    const dying = faulty('dying', (right, runs) => {
      if (runs >= 3) throw new Error('its process ended')
      return right
    })
    const records: BenchRecord[] = []
    const others = [dying, faulty('right', (right) => right)]
    await measureTask(await task(), others, { budget: BUDGET, peakOf: () => undefined, seed: 1 }, async (record) => {
      records.push(recordSchema.parse(record))
    })
    expect(records).toMatchObject([{ status: 'error', reason: 'its process ended' }, { status: 'passed' }])
  })

  it('catches a kernel that writes NaN, and one that writes nothing', async () => {
    expect((await measure(faulty('nan', (right) => right.fill(Number.NaN)))).status).toBe('incorrect')
    expect((await measure(faulty('nothing', (right) => new Float32Array(right.length)))).status).toBe('incorrect')
  })

  it('records what a contender threw, and why one cannot run', async () => {
    const throwing: ContenderSpec<SpmmTask> = {
      ...faulty('throwing', (right) => right),
      prepare: () => Promise.reject(new Error('no memory')),
    }
    expect(await measure(throwing)).toMatchObject({ status: 'error', reason: 'no memory' })
    const baseline = faulty('picky', (right) => right)
    const picky: ContenderSpec<SpmmTask> = {
      ...baseline,
      contender: { ...baseline.contender, type: 'baseline' },
      supports: () => 'too large',
    }
    expect(await measure(picky)).toMatchObject({ status: 'unsupported', reason: 'too large' })
  })

  it('allows a quantised contender the error that it states', async () => {
    const off = faulty('quantised', (right) => right.map((value) => value + 0.001))
    const tolerant: ContenderSpec<SpmmTask> = {
      ...off,
      prepare: async (given) => ({ ...(await off.prepare(given)), tolerance: 0.002 }),
    }
    expect((await measure(tolerant)).status).toBe('passed')
  })
})

describe('the check', () => {
  it('compares rows over the whole height with the f64 reference', async () => {
    const given = await task()
    const [x] = given.inputs(1)
    const expected = given.expectationOf([x])
    const { indices } = expected
    expect(indices[0]).toBe(0)
    expect(indices[indices.length - 1]).toBe(given.m * given.n - 1)
    if (given.weights.layout !== 'csr') throw new Error('expected csr')
    const right = multiply(given.weights, x, given.n)
    expect(errorOf(expected, right).right).toBe(true)
    right[(given.m - 1) * given.n] += 1e-3
    expect(errorOf(expected, right).right).toBe(false)
  })
})

describe('the limit', () => {
  const peak = (name: string, threads: number) => ({ name, threads, flopsPerSecond: 1e9, bytesPerSecond: 1e9 })
  const peaks = ['wasm-relaxed in 0.5 MiB', 'wasm-relaxed in 8 MiB', 'wasm-relaxed', 'wasm-simd'].flatMap((name) => [
    peak(name, 1),
    peak(name, 2),
  ])
  const wasm = (changes: Partial<Contender>): ContenderSpec<SpmmTask> => ({
    ...faulty('kernel', (right) => right),
    contender: { ...contender('kernel'), class: 'nnz-wasm', ...changes },
  })

  it('is that of the threads, and of the cache in which the operands fit', () => {
    expect(peakFor(wasm({}), 1e6, peaks)).toMatchObject({ name: 'wasm-relaxed in 0.5 MiB', threads: 1 })
    expect(peakFor(wasm({ threads: 2 }), 1e7, peaks)).toMatchObject({ name: 'wasm-relaxed in 8 MiB', threads: 2 })
    expect(peakFor(wasm({ class: 'wasm' }), 1e9, peaks)).toMatchObject({ name: 'wasm-relaxed', threads: 1 })
  })

  it('is unknown for native code, plain JS, other types, and threads that were not measured', () => {
    for (const changes of [{ class: 'native' }, { class: 'nnz-js' }, { dtype: 'q8' }, { threads: 3 }])
      expect(peakFor(wasm(changes), 1e6, peaks)).toBeUndefined()
  })
})

describe('the matrix', () => {
  it('is the union of its shards', () => {
    const workloads = quickWorkloads()
    const all = pointsOf(workloads)
    const shards = [1, 2, 3].flatMap((index) => pointsOf(workloads, { index, total: 3 }))
    const key = ({ workload, sparsity }: (typeof all)[number]) => `${workload.id} ${sparsity}`
    expect(shards.map(key).sort()).toEqual(all.map(key).sort())
  })

  it('joins the samples of several processes, and fails where one of them failed', async () => {
    const record = await measure(faulty('right', (right) => right))
    const other = { ...record, samples: [[5]], order: [2] }
    expect(mergeProcesses([[record], [other]])[0].samples).toEqual([...record.samples, [5]])
    const failed: BenchRecord = { ...record, status: 'error', reason: 'died', samples: [], order: [], error: null }
    expect(mergeProcesses([[record], [failed]])[0].status).toBe('error')
  })
})
