import { describe, expect, test } from 'vitest'
import { pageDataOf } from '../src/report/columns.ts'
import { rowsOf as recordRows } from '../src/report/index.ts'
import { rowsOf } from '../src/report/page/data.ts'
import { distinct, type Filters, fromHash, matches, toParameters } from '../src/report/page/filters.ts'
import {
  limitSeries,
  rooflineSeries,
  roofs,
  speedUpReader,
  speedUpSeries,
  summaries,
} from '../src/report/page/series.ts'
import { makeEnvironment, makeRecords, SHAPES } from './report-fixture.ts'

const environment = makeEnvironment()
const records = makeRecords({ shapes: SHAPES.slice(0, 2), columns: [1, 16], sparsities: [0.5, 0.9] })
const measured = recordRows({ runs: [{ path: 'm/a.json', environment, records, partial: true, unofficial: null }] })
const data = JSON.parse(JSON.stringify(pageDataOf(measured))) as ReturnType<typeof pageDataOf>
const rows = rowsOf(data)
const all: Filters = {
  machine: environment.machine,
  operation: 'spmm',
  model: '',
  pattern: '',
  n: '',
  from: '',
  to: '',
  search: '',
  against: '',
  off: new Set(),
}

test('rows survive the way through the columns', () => {
  expect(rows).toHaveLength(measured.length)
  for (const [index, { record, timing, gflops, limitShare, best, label }] of measured.entries()) {
    const row = rows[index]!
    expect(row.contender.label).toBe(label)
    expect(row.workload).toMatchObject({
      id: record.workload.id,
      sparsity: record.problem.sparsity,
      n: record.problem.n,
      shape: `${record.problem.m}x${record.problem.k}`,
    })
    expect(row).toMatchObject({
      status: record.status,
      reason: record.reason,
      verdict: best?.verdict ?? null,
      bestOver: best?.over ?? null,
      packedBytes: record.packedBytes,
    })
    const close = (a: number | null, b: number | null | undefined) =>
      b ? expect(a! / b).toBeCloseTo(1, 2) : expect(a).toBeNull()
    close(row.median, timing?.median)
    close(row.gflops, gflops)
    close(row.limitShare, limitShare)
    close(row.best, best?.ratio)
  }
  expect(rows[0]?.run).toMatchObject({ notes: ['not finished'], path: 'm/a.json' })
})

describe('filters', () => {
  const count = (change: Partial<Filters>) => rows.filter((row) => matches(row, { ...all, ...change })).length
  test('each one narrows what is shown', () => {
    expect(count({})).toBe(rows.length)
    expect(count({ machine: 'other' })).toBe(0)
    expect(count({ n: '16' })).toBe(rows.length / 2)
    expect(count({ from: '90' })).toBe(rows.length / 2)
    expect(count({ from: '60', to: '80' })).toBe(0)
    expect(count({ search: 'TORCH' })).toBe(rows.length / 11)
  })
  test('survive the way through the address', () => {
    const filters = { ...all, n: '16', search: 'a&b=c #', off: new Set(['x (2 threads)', 'y']) }
    expect(fromHash(`#${toParameters(filters)}`, all)).toEqual(filters)
    expect(fromHash('', all)).toEqual(all)
  })
  test('numbers are in their order', () => expect(distinct([128, 1, null, 16, 1])).toEqual(['1', '16', '128']))
})

describe('series', () => {
  test('only sparse contenders have a speed-up, their line is the geometric mean', () => {
    const series = speedUpSeries(rows, speedUpReader(data, ''))
    expect(series.every(({ points }) => points.every(({ item: row }) => row.contender.method === 'sparse'))).toBe(true)
    const [first] = series
    const at = first!.points.filter(({ x }) => x === 90)
    expect(at).toHaveLength(4)
    const mean = at.reduce((product, { y }) => product * y, 1) ** (1 / 4)
    expect(first!.line.find(([x]) => x === 90)?.[1]).toBeCloseTo(mean, 9)
  })
  test('the rival can be chosen', () => {
    const row = rows.find(
      ({ contender, workload }) => contender.label === 'spmm_csr_f32__wasm_relaxed' && workload.n === 16,
    )!
    expect(speedUpReader(data, 'wasm')(row)).not.toBe(speedUpReader(data, '')(row))
    expect(speedUpReader(data, 'wasm')(row)).toBe(data.over[data.rivals.indexOf('wasm')]![row.index])
  })
  test('a share is in percent, and what failed is no point', () => {
    const points = limitSeries(rows).flatMap(({ points }) => points)
    expect(
      points.every(({ y, item: row }) => row.status === 'passed' && Math.abs(y - row.limitShare! * 100) < 1e-9),
    ).toBe(true)
  })
  test('a dense contender stands on the roofline with the zeros it multiplies', () => {
    const dense = rooflineSeries(rows).find(({ label }) => label === 'gemm_dense_f32__wasm_relaxed')!
    for (const { x, y, item: row } of dense.points)
      expect([x, y]).toEqual([row.workload.denseFlops / row.bytes, row.denseGflops])
  })
  test('roofs rise with the bandwidth to the peak', () => {
    const [relaxed] = roofs(rows, [0.1, 100])
    expect(relaxed).toEqual({
      label: 'wasm-relaxed',
      points: [
        [0.1, 1.4],
        [54 / 14, 54],
        [100, 54],
      ],
    })
  })
  test('a summary has the mean, the worst row and the crossover', () => {
    const [line] = summaries(
      rows.filter(({ contender }) => contender.label === 'torch-csr'),
      speedUpReader(data, ''),
    )
    expect(line).toMatchObject({ label: 'torch-csr', passed: 8, total: 8, crossover: { relation: expect.any(String) } })
    expect(line!.worst!.ratio).toBeLessThanOrEqual(line!.speedUp!)
  })
})
