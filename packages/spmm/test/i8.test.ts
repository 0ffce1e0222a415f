import { isWasm, type WasmBackend, wasmFeatures, wasmSupport } from '@nnz/core'
import { describe, expect, it } from 'vitest'
import { type AnyWeights, bsr, csr, kernels, linear, spmm, spmmProblem, tensor, wasm } from '../src/index.ts'

function waves(length: number, step: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(step * i))
}

const [m, k, n] = [37, 810, 45]
const dense = waves(m * k, 0.37).map((value, i) => ((i >> 2) % 3 === 0 ? value : 0))
const x = tensor(waves(k * n, 0.9), [k, n])

/** The backend, with the microkernels told to multiply bytes the other way. */
function otherWay(backend: WasmBackend): WasmBackend {
  const places: Record<string, number> = { spmmI8Quads: 11, spmmI8Fours: 10 }
  return new Proxy(backend, {
    get(target, key) {
      if (key !== 'kernels') return Reflect.get(target, key, target)
      return (set: Parameters<WasmBackend['kernels']>[0]) => {
        const inner = target.kernels(set)
        return {
          call: inner.call,
          parallel(name: string, args: readonly number[], ranges: Int32Array) {
            const place = places[name]
            expect(place === undefined || args[place] === 0 || args[place] === 1).toBe(true)
            inner.parallel(name, place === undefined ? args : args.with(place, 1 - args[place]), ranges)
          },
        }
      }
    },
  })
}

describe.runIf(wasmSupport() === true && wasmFeatures().relaxed)('both ways to multiply bytes', () => {
  it.each<[string, AnyWeights]>([
    ['spmm_csr_i8__wasm_relaxed_quads', csr.quantise(csr.fromDense(dense, [m, k]), { type: 'i8' })],
    ['spmm_bsr_i8__wasm_relaxed_fours', bsr.quantise(bsr.fromDense(dense, [m, k], [1, 4]), { type: 'i8' })],
  ])('yield the same bits: %s', (name, w) => {
    const row = kernels.find((kernel) => kernel.name === name)!
    const backend = wasm.open()
    expect(isWasm(backend)).toBe(true)
    for (const columns of [1, 7, 16, 17, n]) {
      const input = tensor(x.data.slice(0, k * columns), [k, columns])
      const problem = spmmProblem('spmm', w, columns, 'none')
      const [one, other] = [backend, otherWay(backend)].map((way) => {
        const packing = row.pack(w, problem, way)
        const y = tensor(new Float32Array(m * columns), [m, columns])
        row.plan(problem, packing, way).run({ x: input, y, bias: undefined, residual: undefined })
        packing.dispose()
        return y.data
      })
      expect(other).toEqual(one)
      expect(one.some((value) => value !== 0)).toBe(true)
    }
  })
})

describe('compact weights', () => {
  const w = csr.fromDense(dense, [m, k])

  it.each(['f16', 'bf16', 'i8'] as const)('%s: a direct call, a plan and linear agree, near f32', (type) => {
    const q = csr.quantise(w, { type })
    const exact = spmm(w, x)
    const y = spmm(q, x)
    const plan = spmm.plan(q, { columns: n })
    const planned = plan.run(x)
    const tokens = linear(tensor(x.data, [n, k], { strides: [1, n] }), q)
    expect(plan.explain().kernel).toMatch(type === 'i8' ? /_i8__/ : /_half__/)
    for (let i = 0; i < m * n; i++) {
      expect(Math.abs(y.data[i] - exact.data[i])).toBeLessThan(type === 'i8' ? 0.5 : 0.1)
      expect(planned.data[i]).toBeCloseTo(y.data[i], 3)
      expect(tokens.data[(i % n) * m + Math.floor(i / n)]).toBeCloseTo(y.data[i], 3)
    }
    plan.dispose()
  })

  it.runIf(wasmSupport() === true && wasmFeatures().relaxed)(
    'a narrower type takes fewer packed bytes for one column',
    () => {
      const packed = (weights: AnyWeights, kernel: string) => {
        const plan = spmm.plan(weights, { columns: 1, kernel })
        const { packedBytes } = plan.explain()
        plan.dispose()
        return packedBytes
      }
      const f32 = packed(w, 'spmm_csr_f32__wasm_relaxed_sell')
      const bf16 = packed(csr.quantise(w, { type: 'bf16' }), 'spmm_csr_half__wasm_relaxed_sell')
      expect(bf16).toBeLessThan(0.7 * f32)
      const i8 = packed(csr.quantise(w, { type: 'i8' }), 'spmm_csr_i8__wasm_relaxed_quads')
      expect(i8).toBeLessThan(0.6 * f32)
    },
  )

  it('new values are rounded to the type, and refused where they cannot be', () => {
    const plan = spmm.plan(csr.quantise(w, { type: 'f16' }), { columns: 1 })
    expect(() => plan.updateValues(new Float32Array(w.nnz).fill(Number.NaN))).toThrow(/NaN has no place in f16/)
    plan.dispose()
  })
})
