import { csr, tensor } from '@nnz/core'
import { type Activation, linear, reference, spmm } from '@nnz/spmm'
import { describe, expect, it } from 'vitest'
import { csrWeights } from '../../../test/conformance/support/weights.ts'
import {
  activationBackward,
  BACKWARD_ACTIVATIONS,
  js,
  linearBackward,
  slope,
  spmmBackward,
  wasm,
} from '../src/index.ts'
import { matrix, Random } from './support/problems.ts'

const backends = [js, wasm.open()]

/** Central differences of a loss, in f64. */
function differences(parameters: Float64Array, loss: (parameters: Float64Array) => number): Float64Array {
  return parameters.map((_, i) => {
    const at = (step: number) => {
      const moved = parameters.slice()
      moved[i] += step
      return loss(moved)
    }
    return (at(1e-4) - at(-1e-4)) / 2e-4
  })
}

function worst(got: ArrayLike<number>, want: ArrayLike<number>): number {
  return Math.max(...Array.from(want, (value, i) => Math.abs(got[i] - value) / (1 + Math.abs(value))))
}

describe.each(backends)('$name', (backend) => {
  it.each(BACKWARD_ACTIVATIONS)(
    'gradients of the loss Σ s · %s(w x + b) are its differences',
    (activation: Activation) => {
      const random = new Random(31)
      const [m, k, n] = [7, 9, 5]
      const w = csrWeights([m, k], 'random', 0.5, random)
      const x = matrix([k, n], random, 'rows')
      const slopes = matrix([m, n], random, 'rows')
      const bias = Float32Array.from({ length: m }, () => random.value())
      // In f64: operands of the reference may be any numbers.
      const loss = (values: ArrayLike<number>, data: ArrayLike<number>, added: ArrayLike<number>) => {
        const weights = { ...w, values: values as Float32Array }
        const y = reference(weights, { ...x, data: data as Float32Array }, { bias: added, activation })
        return y.reduce((sum, value, i) => sum + value * slopes.data[i], 0)
      }
      const preActivation = spmm(w, x, { bias, backend })
      const options = {
        activation: activation as (typeof BACKWARD_ACTIVATIONS)[number],
        preActivation,
        backend,
        needs: { dBias: true },
      }
      const { dx, dValues, dBias } = spmmBackward(w, x, slopes, options)
      const [values, data, added] = [w.values, x.data, bias].map((array) => Float64Array.from(array))
      expect(
        worst(
          dValues,
          differences(values, (moved) => loss(moved, data, added)),
        ),
      ).toBeLessThan(1e-4)
      expect(
        worst(
          dx.data,
          differences(data, (moved) => loss(values, moved, added)),
        ),
      ).toBeLessThan(1e-4)
      expect(
        worst(
          dBias,
          differences(added, (moved) => loss(values, data, moved)),
        ),
      ).toBeLessThan(1e-4)
    },
  )

  it('of tokens are those of columns, turned', () => {
    const random = new Random(8)
    const w = csrWeights([8, 6], 'random', 0.5, random)
    const x = matrix([5, 6], random, 'rows')
    const dy = matrix([5, 8], random, 'rows')
    expect(linear(x, w, { backend }).shape).toEqual([5, 8])
    const { dx, dValues } = linearBackward(x, w, dy, { backend })
    const turned = { ...tensor(x.data, [6, 5], { strides: [1, 6] }) }
    const columns = spmmBackward(w, turned, tensor(dy.data, [8, 5], { strides: [1, 8] }), { backend })
    expect(worst(dValues, columns.dValues)).toBeLessThan(1e-6)
    expect(
      worst(
        dx.data,
        Array.from({ length: 30 }, (_, i) => columns.dx.data[(i % 6) * 5 + Math.floor(i / 6)]),
      ),
    ).toBeLessThan(1e-6)
  })

  it('of activations are exact far out, and pass NaN on', () => {
    const z = [Number.NEGATIVE_INFINITY, -1e30, -50, -6, -1, -1e-30, 0, 1e-30, 1, 6, 50, 1e30, Number.POSITIVE_INFINITY]
    const count = z.length
    for (const activation of BACKWARD_ACTIVATIONS) {
      const got = activationBackward(tensor(new Float32Array(count).fill(2), [1, count]), tensor(z, [1, count]), {
        activation,
        backend,
      })
      const want = z.map((value) => 2 * slope(Math.fround(value), activation))
      expect(worst(got.data, want), activation).toBeLessThan(2e-6)
      const lost = activationBackward(tensor([1, 1], [1, 2]), tensor([Number.NaN, 1], [1, 2]), { activation, backend })
      expect(Number.isNaN(lost.data[0])).toBe(activation !== 'none' && activation !== 'relu')
    }
  })

  it('leaves out what nobody needs', () => {
    const random = new Random(2)
    const w = csrWeights([8, 6], 'random', 0.5, random)
    const [x, dy] = [matrix([6, 3], random, 'rows'), matrix([8, 3], random, 'rows')]
    const frozen = spmmBackward(w, undefined, dy, { backend, needs: { dValues: false } })
    expect([frozen.dValues.length, frozen.dBias.length, ...frozen.dx.shape]).toEqual([0, 0, 6, 3])
    const first = spmmBackward(w, x, dy, { backend, needs: { dx: false, dBias: true } })
    expect([first.dValues.length, first.dBias.length, ...first.dx.shape]).toEqual([w.nnz, 8, 0, 0])
  })
})

describe('memory', () => {
  it('of a plan grows with the entries, not with the matrix', () => {
    const random = new Random(4)
    const bytes = (density: number) => {
      const w = csrWeights([512, 512], 'random', density, random)
      const plan = spmmBackward.plan(w, { columns: 64, backend: wasm.open(), strictNonFinite: true })
      plan.updateValues(w.values)
      const { packedBytes } = plan.explain()
      plan.dispose()
      return packedBytes / w.nnz
    }
    // Stream 6.7, sources 8, index 12, offsets of products 2.5, and what each row costs.
    expect(bytes(0.05)).toBeLessThan(36)
    expect(bytes(0.2)).toBeLessThan(32)
  })

  it('is released', () => {
    const random = new Random(4)
    const w = csrWeights([64, 64], 'random', 0.3, random)
    const plan = spmmBackward.plan(w, { columns: 8 })
    plan.dispose()
    plan.dispose()
    expect(() => plan.run(matrix([64, 8], random, 'rows'), matrix([64, 8], random, 'rows'))).toThrow(/after dispose/)
    expect(() => plan.updateValues(w.values)).toThrow(/after dispose/)
    expect(() => plan.explain()).toThrow(/after dispose/)
  })
})

describe('bad input', () => {
  const w = csr.fromDense([1, 0, 2, 3, 0, 4], [2, 3])
  const x = tensor(new Float32Array(12), [3, 4])
  const dy = tensor(new Float32Array(8), [2, 4])

  it('is refused before anything is written', () => {
    expect(() => spmmBackward(dy as never, x, dy)).toThrow(
      /expected a csr or bsr layout, got a tensor \[2, 4\] \(are the arguments swapped\?\)/,
    )
    expect(() => spmmBackward(w, x, tensor(new Float32Array(12), [3, 4]))).toThrow(
      'spmmBackward: dy is [3, 4], expected [2, 4]',
    )
    expect(() => spmmBackward(w, dy, dy)).toThrow('spmmBackward: x is [2, 4], expected [3, 4]')
    expect(() => spmmBackward(w, x, dy, { activation: 'gelu' })).toThrow(
      /preActivation: expected a tensor, got undefined/,
    )
    expect(() => spmmBackward(w, x, dy, { activation: 'swiglu' as never })).toThrow(/expected activation to be one of/)
    expect(() => spmmBackward(w, x, dy, { out: { dx: x } })).toThrow('spmmBackward: out.dx overlaps x')
    expect(() => spmmBackward(w, x, dy, { out: { dValues: new Float32Array(3) } })).toThrow(
      'has 3 elements, expected 4',
    )
    expect(() => spmmBackward.plan(w, { columns: 1.5 })).toThrow(/columns to be a whole number/)
    const plan = spmmBackward.plan(w, { columns: 3 })
    expect(() => plan.run(x, dy)).toThrow('spmmBackward: dy has 4 columns, the plan is for at most 3')
    expect(() => plan.updateValues([1, 2])).toThrow(/got 2 values, expected 4/)
    expect(() => plan.updatePattern(csr.fromDense([1, 2], [1, 2]))).toThrow(
      /updatePattern got csr \[1, 2\], expected csr \[2, 3\]/,
    )
    plan.dispose()
  })
})
