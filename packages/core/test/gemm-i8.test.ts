import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectWasmBackend } from '../src/backends/resolve.ts'
import { wasm, wasmSupport } from '../src/backends/wasm.ts'
import { WasmBlock } from '../src/backends/workspace.ts'
import type { I8Values } from '../src/compact/values.ts'
import { wasmFeatures } from '../src/features.ts'
import { gemm } from '../src/gemm/gemm.ts'
import { quantiseColumns } from '../src/gemm/i8/activations.ts'
import { prefersPairs } from '../src/gemm/i8/dot.ts'
import { TilePacking } from '../src/gemm/i8/packing.ts'
import { gemmI8Reference } from '../src/gemm/i8/reference.ts'
import * as set from '../src/generated/wasm-i8.ts'
import { dense } from '../src/layouts/dense.ts'
import { tensor } from '../src/tensor.ts'

const seed = Number(process.env.NNZ_TEST_SEED ?? Date.now() % 2 ** 31)

function waves(length: number, step: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(step * i))
}

describe('activations of seven bits', () => {
  it('by hand: the range of each column with zero in it', () => {
    const x = tensor([0, 1, -1, 63.5, 3, 1, 127, 5, 0], [3, 3])
    const { data, scales, zeros } = quantiseColumns(x)
    expect([...scales]).toEqual([1, 5 / 127, 2 / 127].map(Math.fround))
    expect([...zeros]).toEqual([0, 0, 64]) // 63.5 is a tie
    expect([...data]).toEqual([0, 25, 0, 64, 76, 127, 127, 127, 64]) // 63.5 is one, too; 64 + 64 is beyond the end
  })

  it(`zeros stay zeros, and nothing is off by more than one step (NNZ_TEST_SEED=${seed})`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, min: -1000, max: 1000 }), { minLength: 1, maxLength: 40 }),
        (column) => {
          const { data, scales, zeros } = quantiseColumns(tensor(column, [column.length, 1]))
          column.forEach((value, i) => {
            const stands = scales[0] * (data[i] - zeros[0])
            if (value === 0) expect(stands).toBe(0)
            // Half a step, and half of one more where the zero point was rounded; below 2^-126 all is zero.
            expect(Math.abs(stands - Math.fround(value))).toBeLessThanOrEqual(scales[0] * 1.001 + 2 ** -118)
          })
        },
      ),
      { seed, numRuns: 500 },
    )
  })

  it('a column that is not finite has no scale', () => {
    const { scales } = quantiseColumns(tensor([1, Number.NaN, 1 / 0, 3e38, 1, 1, 1, -3e38], [2, 4]))
    expect([...scales]).toEqual([Math.fround(1 / 127), Number.NaN, Number.NaN, Number.NaN])
  })
})

describe('gemm with i8 weights', () => {
  const a = dense.quantise(dense({ shape: [10, 70], values: waves(700, 0.7) }), { type: 'i8', scales: { columns: 32 } })
  const x = tensor(waves(70 * 6, 1.3), [70, 6])

  it('is the product of what was quantised, near that of f32', () => {
    const y = gemm(a, x)
    expect(y.shape).toEqual([10, 6])
    const want = gemmI8Reference(a, x)
    const exact = gemm(tensor(waves(700, 0.7), [10, 70]), x)
    for (let i = 0; i < 60; i++) {
      expect(y.data[i]).toBeCloseTo(want[i], 5)
      expect(Math.abs(y.data[i] - exact.data[i])).toBeLessThan(0.3)
    }
  })

  it('plans: fewer columns, out, other values, an explanation', () => {
    const plan = gemm.plan(a, { columns: 9 })
    const out = tensor(new Float32Array(60), [10, 6])
    expect(plan.run(x, { out })).toBe(out)
    expect(out.data).toEqual(gemm(a, x).data)
    expect(plan.explain().kernel).toMatch(/^gemm_i8__/)
    plan.updateValues(waves(700, 0.2))
    const other = dense.quantise(dense({ shape: [10, 70], values: waves(700, 0.2) }), {
      type: 'i8',
      scales: { columns: 32 },
    })
    const want = gemmI8Reference(other, x)
    plan.run(x, { out })
    for (let i = 0; i < 60; i++) expect(out.data[i]).toBeCloseTo(want[i], 5)
    plan.dispose()
  })

  it('groups that units of four do not fill run in plain JS', () => {
    const odd = dense.quantise(dense({ shape: [2, 9], values: waves(18, 1) }), { type: 'i8', scales: { columns: 3 } })
    const plan = () => gemm.plan(odd, { columns: 1, backend: wasm })
    expect(plan).toThrow(/is for groups of a multiple of (2|4) columns/)
  })

  it.each<[string, () => unknown, RegExp]>([
    [
      'dense weights of f32',
      () => gemm(dense({ shape: [1, 1], values: [1] }) as never, x),
      /gemm: a: expected a tensor or a dense layout of i8 values, got a dense layout/,
    ],
    [
      'of f16',
      () => gemm(dense.quantise(dense({ shape: [1, 1], values: [1] }), { type: 'f16' }), x),
      /got a dense layout of f16 values/,
    ],
    ['a shape that does not fit', () => gemm(a, tensor([1], [1, 1])), /b has 1 rows, expected 70/],
  ])('refuses %s', (_, act, message) => expect(act).toThrow(message))
})

describe.runIf(wasmSupport() === true && wasmFeatures().relaxed)('both ways to multiply bytes', () => {
  it('yield the same bits, at the ends of the range, too', () => {
    const backend = expectWasmBackend(wasm.open(), 'gemm')
    const kernels = backend.kernels(set)
    expect(prefersPairs(backend)).toBeTypeOf('boolean')
    const [m, k] = [16, 64]
    const values = waves(m * k, 2.3).map((value, i) => (i % 3 === 0 ? -1 : value))
    const matrix = dense.quantise(dense({ shape: [m, k], values }), { type: 'i8' })
    expect(new Set((matrix.values as I8Values).data)).toContain(-127)
    const packing = new TilePacking(backend, matrix, 4)
    for (const n of [1, 2, 3, 4, 9]) {
      const block = new WasmBlock(backend, 4 * (k * n + 3 * 12 + k * n + 2 * m * n))
      const [x, parameters] = [block.address, block.address + 4 * k * n]
      const panels = parameters + 4 * 3 * 12
      const y = panels + 4 * k * n
      block.f32.set(waves(k * n, 0.4).map((value, i) => (i % 5 === 0 ? 1 : value)))
      kernels.call('columnScales', x, 4 * n, 4, k, n, parameters, 0, 1)
      kernels.call('gemmI8PackX', panels, x, 4 * n, 4, k, n, 4, parameters, 0, Math.ceil(n / 4))
      for (const paired of [0, 1]) {
        const to = y + paired * 4 * m * n
        const weights = [packing.address, packing.tileBytes, packing.groupUnits]
        kernels.call('gemmI8', to, 4 * n, 4, ...weights, panels, parameters, m, n, k, 4, paired, 0, m / 8)
      }
      const results = block.f32.slice((y - block.address) / 4)
      expect(results.subarray(0, m * n)).toEqual(results.subarray(m * n, 2 * m * n))
      expect(results.some((value) => value !== 0)).toBe(true)
      block.dispose()
    }
    packing.dispose()
  })
})
