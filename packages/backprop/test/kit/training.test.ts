import { csr, tensor } from '@nnz/core'
import { describe, expect, it } from 'vitest'
import { transformerFlops } from '../../src/accountants/index.ts'
import { Parameter } from '../../src/kit/parameter.ts'
import { Random } from '../../src/kit/random.ts'
import { patternAt, positionsOf, randomMask } from '../../src/masks/index.ts'
import { adam, adamW, clipGradients, type Optimiser, sgd } from '../../src/optimisers/index.ts'
import { LayerImportance, lookUp, memorySlots, trainHighest } from '../../src/selective/index.ts'

const random = new Random(3)
const normals = (length: number) => Float32Array.from({ length }, () => random.normal())

/** The same steps in f64 on a dense matrix whose gradient is masked: what the sparse optimiser has to equal. */
function reference(name: string, w: Float64Array, gradients: Float32Array[], mask: Uint8Array): Float64Array {
  const m = new Float64Array(w.length)
  const v = new Float64Array(w.length)
  gradients.forEach((gradient, t) => {
    for (let i = 0; i < w.length; i++) {
      if (!mask[i]) continue
      const g = gradient[i] + (name === 'adamW' ? 0 : 0.1 * w[i])
      if (name === 'sgd') {
        m[i] = 0.9 * m[i] + g
        w[i] -= 0.01 * m[i]
        continue
      }
      m[i] = 0.9 * m[i] + 0.1 * g
      v[i] = 0.999 * v[i] + 0.001 * g * g
      if (name === 'adamW') w[i] *= 1 - 0.01 * 0.1
      w[i] -= (0.01 * (m[i] / (1 - 0.9 ** (t + 1)))) / (Math.sqrt(v[i] / (1 - 0.999 ** (t + 1))) + 1e-8)
    }
  })
  return w
}

const OPTIMISERS: Record<string, () => Optimiser> = {
  sgd: () => sgd({ learningRate: 0.01, momentum: 0.9, weightDecay: 0.1 }),
  adam: () => adam({ learningRate: 0.01, weightDecay: 0.1 }),
  adamW: () => adamW({ learningRate: 0.01, weightDecay: 0.1 }),
}

describe.each(Object.entries(OPTIMISERS))('%s', (name, create) => {
  it('row 1: on kept entries equals the masked dense one, and the support stays after every step', () => {
    const pattern = randomMask([6, 9], 20, 1)
    const at = positionsOf(pattern)
    const mask = new Uint8Array(54)
    for (const position of at) mask[position] = 1
    const parameter = new Parameter('w', csr({ ...pattern, values: normals(20) }))
    const dense = new Float64Array(54)
    for (const [i, position] of at.entries()) dense[position] = parameter.value.data[i]
    const gradients = Array.from({ length: 12 }, () => normals(54))
    const optimiser = create()
    for (const gradient of gradients) {
      parameter.gradient = Float32Array.from(at, (position) => gradient[position])
      optimiser.step([parameter])
      expect([...positionsOf(parameter.csr!)]).toEqual([...at])
    }
    const expected = reference(name, dense, gradients, mask)
    for (const [i, position] of at.entries()) expect(parameter.value.data[i]).toBeCloseTo(expected[position], 5)
    expect([...parameter.state.keys()]).toEqual(optimiser.states)
    for (const state of parameter.state.values()) expect(state).toHaveLength(20)
  })

  it('row 91: touches chosen elements only, with state of that size', () => {
    const parameter = new Parameter('w', tensor(normals(12), [3, 4]))
    const before = parameter.value.data.slice()
    parameter.train({ what: 'entries', indices: Uint32Array.of(1, 7) })
    parameter.gradient = Float32Array.of(1, -1)
    create().step([parameter])
    before.forEach((value, i) => {
      if (i === 1 || i === 7) expect(parameter.value.data[i]).not.toBe(value)
      else expect(Object.is(parameter.value.data[i], value)).toBe(true)
    })
    for (const state of parameter.state.values()) expect(state).toHaveLength(2)
  })
})

it('biases do not decay unless they are told to', () => {
  const bias = new Parameter('bias', tensor([1], [1]))
  bias.gradient = Float32Array.of(0)
  sgd({ learningRate: 1, weightDecay: 0.5 }).step([bias])
  expect(bias.value.data[0]).toBe(1)
  sgd({ learningRate: 1, weightDecay: 0.5, decays: () => true }).step([bias])
  expect(bias.value.data[0]).toBe(0.5)
  expect(() => sgd({ learningRate: -1 })).toThrow(/learningRate/)
  expect(() => adam({ learningRate: 1, beta1: 1 })).toThrow(/beta1/)
})

it('gradients are clipped together', () => {
  const [a, b] = [new Parameter('a', tensor([0], [1])), new Parameter('b', tensor([0, 0], [2]))]
  a.gradient = Float32Array.of(3)
  b.gradient = Float32Array.of(0, 4)
  expect(clipGradients([a, b], 1)).toBe(5)
  expect(a.gradient[0]).toBeCloseTo(0.6, 6)
  expect(clipGradients([a, b], 10)).toBeCloseTo(1, 6)
})

describe('a parameter whose pattern changes', () => {
  const create = () => {
    const parameter = new Parameter('w', csr({ ...patternAt([2, 3], [0, 2, 4]), values: [1, 2, 3] }))
    parameter.gradient = Float32Array.of(1, 1, 1)
    adam({ learningRate: 0.1 }).step([parameter])
    return parameter
  }

  it('row 4 and 25: becomes dense with kept values bit-identical, zeros that train, and state carried along', () => {
    const parameter = create()
    const [a, b, c] = parameter.value.data
    const [first] = parameter.state.get('first')!
    parameter.repattern(undefined)
    expect([...parameter.value.data]).toEqual([a, 0, b, 0, c, 0])
    expect(parameter.value.shape).toEqual([2, 3])
    expect([...parameter.state.get('first')!]).toEqual([first, 0, first, 0, first, 0])
    parameter.gradient = new Float32Array(6).fill(1)
    adam({ learningRate: 0.1 }).step([parameter])
    expect(parameter.value.data.every((value) => value !== 0)).toBe(true)
  })

  it('row 74: regrown entries start at zero with fresh state; earlier support is kept', () => {
    const parameter = create()
    const [a, b, c] = parameter.value.data
    const [first] = parameter.state.get('first')!
    parameter.repattern(patternAt([2, 3], [0, 1, 2, 4, 5]))
    expect([...parameter.value.data]).toEqual([a, 0, b, c, 0])
    expect([...parameter.state.get('second')!].map((v) => v > 0)).toEqual([true, false, true, true, false])
    parameter.repattern(patternAt([2, 3], [1, 4]))
    expect([...parameter.value.data]).toEqual([0, c])
    expect([...parameter.state.get('first')!]).toEqual([0, first])
    expect(parameter.gradient).toBeUndefined()
  })

  it('from dense to sparse keeps what stays', () => {
    const parameter = new Parameter('w', tensor([1, 2, 3, 4], [2, 2]))
    parameter.repattern(patternAt([2, 2], [1, 2]))
    expect([...parameter.value.data]).toEqual([2, 3])
    expect(parameter.shape).toEqual([2, 2])
  })

  it('refuses what does not fit, before anything changes', () => {
    const parameter = create()
    expect(() => parameter.repattern(patternAt([3, 2], [0]))).toThrow(/pattern of \[2, 3\]/)
    expect(() => (parameter.gradient = new Float32Array(2))).toThrow(/3 gradients/)
    expect(() => parameter.train({ what: 'rows', indices: Uint32Array.of(0) })).toThrow(/dense matrix/)
    expect(() => parameter.train({ what: 'entries', indices: Uint32Array.of(2, 1) })).toThrow(/rising entries/)
    parameter.train({ what: 'entries', indices: Uint32Array.of(1) })
    expect(() => parameter.repattern(undefined)).toThrow(/only some entries/)
    expect(() => new Parameter('w', {} as never)).toThrow(TypeError)
  })
})

describe('selections', () => {
  it('keep the state of elements that go on being trained', () => {
    const parameter = new Parameter('w', tensor([1, 2, 3, 4, 5, 6], [2, 3]))
    parameter.train({ what: 'columns', indices: Uint32Array.of(0, 2) })
    expect([...parameter.places!]).toEqual([0, 2, 3, 5])
    parameter.gradient = Float32Array.of(1, 2, 3, 4)
    sgd({ learningRate: 0, momentum: 0.5 }).step([parameter])
    parameter.train({ what: 'rows', indices: Uint32Array.of(1) })
    expect([...parameter.places!]).toEqual([3, 4, 5])
    expect([...parameter.state.get('momentum')!]).toEqual([3, 0, 4])
    parameter.train({ what: 'nothing' })
    expect(parameter.state.size).toBe(0)
    expect(parameter.count).toBe(0)
  })

  it('row 30: the smallest magnitudes over several parameters', () => {
    const a = new Parameter('a', tensor([5, 1, 9], [3]))
    const b = new Parameter('b', tensor([2, 8], [2]))
    trainHighest(
      [a, b].map((parameter) => ({ parameter, scores: parameter.value.data.map((v) => -v) })),
      2,
    )
    expect([...a.places!]).toEqual([1])
    expect([...b.places!]).toEqual([0])
  })

  it('row 45: memory slots by reads above the background; look-up equals brute force', () => {
    expect([...memorySlots([5, 5, 0, 1], [100, 0, 0, 0], 100, 2)]).toEqual([1, 3])
    const [queries, keys] = [tensor(normals(20), [5, 4]), tensor(normals(48), [12, 4])]
    const found = lookUp(queries, keys, 3)
    for (let i = 0; i < 5; i++) {
      const products = Array.from({ length: 12 }, (_, slot) =>
        [0, 1, 2, 3].reduce((sum, j) => sum + queries.data[i * 4 + j] * keys.data[slot * 4 + j], 0),
      )
      const best = products.map((_, slot) => slot).sort((x, y) => products[y] - products[x])
      expect([...found.subarray(i * 3, i * 3 + 3)]).toEqual(best.slice(0, 3))
    }
  })

  it('row 98: layers are drawn by their importance, which rewards move', () => {
    const layers = new LayerImportance(4)
    for (let i = 0; i < 60; i++) layers.reward([2], 5)
    expect(layers.scores[2]).toBeGreaterThan(4)
    const drawn = new Uint32Array(4)
    for (let step = 0; step < 200; step++) for (const layer of layers.sample(2, new Random(1, step))) drawn[layer]++
    expect(drawn[2]).toBeGreaterThan(190)
    expect(drawn[0]).toBeGreaterThan(20)
    expect(layers.sample(2, new Random(1, 5))).toEqual(layers.sample(2, new Random(1, 5)))
  })
})

describe('rows 4 and 25: the operations of a GPT at a sparsity', () => {
  // GPT-3 XL: 24 layers of width 2048, sequences of 2048 tokens.
  const shape = { layers: 24, width: 2048, context: 2048, vocabulary: 50257 }
  const ratio = (sparsity: number) => transformerFlops(shape).total / transformerFlops(shape, sparsity).total

  it('row 4: 75 % of zeros save 2.5 times', () => {
    expect(ratio(0.75)).toBeCloseTo(2.5, 1)
  })
  it('row 25: up to 75 % of zeros save 2 to 2.5 times', () => {
    expect(ratio(0.675)).toBeGreaterThan(2)
    expect(ratio(0.75)).toBeLessThan(2.55)
  })
  it('counts 24 · width² operations a layer and token', () => {
    expect(transformerFlops(shape).linear).toBe(24 * 24 * 2048 ** 2)
  })
})
