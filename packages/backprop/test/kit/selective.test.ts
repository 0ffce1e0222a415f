import { tensor, wasm } from '@nnz/core'
import { describe, expect, it } from 'vitest'
import {
  adam,
  averageParameters,
  countOf,
  crossEntropy,
  Embedding,
  flopsBetween,
  highestMask,
  isSubset,
  LayerImportance,
  Linear,
  lookUp,
  type Module,
  magnitudes,
  memorySlots,
  noWork,
  parameterCount,
  Random,
  randomMask,
  relu,
  Sequential,
  SparseLinear,
  sgd,
  trainBiases,
  trainedCount,
  trainingBytes,
  trainLargestGradients,
  trainModules,
  trainOnly,
  trainSmallestMagnitudes,
  workOf,
} from '../../src/kit/index.ts'
import { normal } from './gradients.ts'

const TOKENS = 16
const LABELS = Array.from({ length: TOKENS }, (_, i) => i % 5)

function network() {
  const random = new Random(1)
  const layers = [
    new Linear('a', { inputs: 12, outputs: 20, random }),
    new Linear('b', { inputs: 20, outputs: 10, random }),
    new Linear('c', { inputs: 10, outputs: 5, random, gain: 1 }),
  ]
  return { layers, module: new Sequential(layers[0], relu(), layers[1], relu(), layers[2]) }
}

const x = normal([TOKENS, 12], 3)

function step(module: Module, optimiser = adam({ learningRate: 0.01 })): number {
  const { loss, gradient } = crossEntropy(module.forward(x, { input: false }), LABELS)
  module.backward(gradient, { input: false })
  optimiser.step(module.parameters)
  return loss
}

/** Copies of all values, to see afterwards which have changed. */
function values(module: Module): Map<string, Float32Array> {
  return new Map(module.parameters.map(({ name, value }) => [name, value.data.slice()]))
}

/** Names of parameters of which any bit has changed. */
function changed(module: Module, before: Map<string, Float32Array>): string[] {
  return module.parameters
    .filter(({ name, value }) => value.data.some((v, i) => !Object.is(v, before.get(name)![i])))
    .map(({ name }) => name)
}

describe('row 115: training biases only', () => {
  const { module } = network()
  trainBiases(module.parameters)
  const before = values(module)
  for (let i = 0; i < 3; i++) step(module)

  it('computes no weight gradients, and changes no weight', () => {
    expect(workOf(module).weightGradient).toBe(0)
    expect(workOf(module).inputGradient).toBeGreaterThan(0)
    expect(changed(module, before)).toEqual(['a.bias', 'b.bias', 'c.bias'])
  })
  it('holds gradients and state of the biases alone, and no input of a linear layer', () => {
    const full = network().module
    step(full)
    crossEntropy(module.forward(x, { input: false }), LABELS)
    const bytes = trainingBytes(module)
    expect(bytes.gradients).toBe(4 * 35)
    expect(bytes.state).toBe(8 * 35)
    // What is kept are the outputs of relu, for the gradients of inputs.
    expect(bytes.saved).toBe(4 * TOKENS * (20 + 10))
    expect(trainingBytes(full).state).toBeGreaterThan(10 * bytes.state)
  })
})

describe('row 29: a chosen part', () => {
  const { module, layers } = network()
  trainModules(layers, [layers[2]])
  const before = values(module)
  for (let i = 0; i < 3; i++) step(module)

  it('leaves frozen tensors bit-identical, without gradients', () => {
    expect(changed(module, before)).toEqual(['c.weight', 'c.bias'])
    for (const { name, gradient, state } of module.parameters) {
      if (name.startsWith('c')) continue
      expect(gradient).toBeUndefined()
      expect(state.size).toBe(0)
    }
    expect(trainedCount(module.parameters) / parameterCount(module.parameters)).toBeCloseTo(55 / (260 + 210 + 55), 10)
  })
  it('does not go back further than it must', () => {
    expect(workOf(module).inputGradient).toBe(0)
    module.forward(x, { input: false })
    expect(trainingBytes(module).saved).toBe(4 * TOKENS * 10)
  })
})

describe('row 41: a gradient projected to rows', () => {
  it('equals the rows of the full gradient, and all rows equal full Adam', () => {
    const [full, some, all] = [network(), network(), network()]
    const rows = Uint32Array.of(1, 4, 7)
    some.layers[1].weight.train({ what: 'rows', indices: rows })
    all.layers[1].weight.train({ what: 'rows', indices: Uint32Array.from({ length: 10 }, (_, i) => i) })
    for (const { module } of [full, some, all]) step(module)
    const gradient = full.layers[1].weight.gradient!
    const expected = [...rows].flatMap((row) => [...gradient.subarray(row * 20, row * 20 + 20)])
    some.layers[1].weight.gradient!.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 6)
    })
    all.layers[1].weight.value.data.forEach((value, i) => {
      expect(value).toBeCloseTo(full.layers[1].weight.value.data[i], 6)
    })
    expect(some.layers[1].weight.state.get('first')).toHaveLength(60)
    expect(some.layers[1].work.weightGradient).toBe(TOKENS * 60)
  })

  it('touches these rows only; chosen columns keep their part of the input', () => {
    const { module, layers } = network()
    const { weight } = layers[0]
    weight.train({ what: 'columns', indices: Uint32Array.of(2, 9) })
    trainOnly(
      module.parameters.filter((parameter) => parameter !== weight),
      () => false,
    )
    const before = weight.value.data.slice()
    module.forward(x, { input: false })
    expect(trainingBytes(layers[0]).saved).toBe(4 * TOKENS * 2)
    step(module)
    weight.value.data.forEach((value, i) => {
      expect(Object.is(value, before[i])).toBe(i % 12 !== 2 && i % 12 !== 9)
    })
  })
})

describe('row 91: the largest gradients', () => {
  it('are chosen over all parameters; the others stay bit-identical', () => {
    const { module } = network()
    crossEntropy(module.forward(x), LABELS)
    step(module, sgd({ learningRate: 0 }))
    const all = module.parameters.flatMap(({ gradient }) => [...magnitudes(gradient!)]).sort((a, b) => b - a)
    const share = 0.1
    const count = Math.round(share * all.length)
    const gradients = new Map(module.parameters.map(({ name, gradient }) => [name, gradient!.slice()]))
    trainLargestGradients(module.parameters, share)
    expect(trainedCount(module.parameters)).toBe(count)
    for (const { name, places } of module.parameters)
      for (const place of places!) expect(Math.abs(gradients.get(name)![place])).toBeGreaterThanOrEqual(all[count - 1])
    const before = values(module)
    for (let i = 0; i < 3; i++) step(module)
    for (const { name, value, places } of module.parameters) {
      const chosen = new Set(places)
      value.data.forEach((v, i) => {
        if (!chosen.has(i)) expect(Object.is(v, before.get(name)![i])).toBe(true)
      })
    }
    expect(trainingBytes(module).state).toBe(8 * count)
    expect(trainingBytes(module).gradients).toBe(4 * count)
    expect(() => trainLargestGradients(network().module.parameters, 0.1)).toThrow(/no gradient/)
  })
})

it('row 30: only the smallest magnitudes change; the gradient has their number', () => {
  const { module, layers } = network()
  const weights = layers.map(({ weight }) => weight)
  trainOnly(module.parameters, () => false)
  trainSmallestMagnitudes(weights, 0.15)
  const before = values(module)
  const count = Math.round(0.15 * parameterCount(weights))
  const bound = weights.flatMap(({ value }) => [...magnitudes(value.data)]).sort((a, b) => a - b)[count]
  step(module)
  expect(weights.reduce((sum, { gradient }) => sum + (gradient?.length ?? 0), 0)).toBe(count)
  for (const { name, value } of weights) {
    value.data.forEach((v, i) => {
      if (!Object.is(v, before.get(name)![i])) expect(Math.abs(before.get(name)![i])).toBeLessThan(bound)
    })
  }
})

it('row 45: memory slots that were not chosen stay bit-identical; as many change as the budget has', () => {
  const random = new Random(2)
  const table = new Embedding('slots', { entries: 30, width: 6, random, deviation: 1 })
  const queries = normal([8, 6], 5)
  const found = lookUp(queries, table.table.value, 3)
  const reads = new Uint32Array(30)
  for (const slot of found) reads[slot]++
  const slots = memorySlots(reads, new Uint32Array(30).fill(2), 10, 4)
  expect(slots.every((slot) => reads[slot] > 0)).toBe(true)
  table.table.train({ what: 'rows', indices: slots })
  const before = table.table.value.data.slice()
  table.forward(tensor(Float32Array.from(found), [8, 3]))
  table.backward(normal([24, 6], 6))
  sgd({ learningRate: 0.1 }).step([table.table])
  for (let slot = 0; slot < 30; slot++) {
    const same = before
      .subarray(slot * 6, slot * 6 + 6)
      .every((v, i) => Object.is(v, table.table.value.data[slot * 6 + i]))
    expect(same).toBe(!slots.includes(slot))
  }
})

it('row 98: layers that are not drawn in a step stay bit-identical, and bytes grow with those that are', () => {
  const { module, layers } = network()
  const importance = new LayerImportance(3)
  const optimiser = adam({ learningRate: 0.01 })
  for (let i = 0; i < 6; i++) {
    const drawn = importance.sample(1, new Random(4, i))
    trainModules(
      layers,
      drawn.map((layer) => layers[layer]),
    )
    const before = values(module)
    const loss = step(module, optimiser)
    importance.reward(drawn, -loss)
    const letters = drawn.map((layer) => 'abc'[layer])
    expect(changed(module, before).every((name) => letters.includes(name[0]))).toBe(true)
  }
  const bytes = [1, 2, 3].map((count) => {
    const fresh = network()
    trainModules(fresh.layers, fresh.layers.slice(0, count))
    step(fresh.module)
    return trainingBytes(fresh.module).state
  })
  expect(bytes[0]).toBeLessThan(bytes[1])
  expect(bytes[1]).toBeLessThan(bytes[2])
})

describe('accountants against closed forms', () => {
  it.each([0, 100, 240])('%i kept entries', (nnz) => {
    const random = new Random(1)
    const layer = new SparseLinear('a', { inputs: 12, outputs: 20, random, pattern: randomMask([20, 12], nnz, 1) })
    const last = new Linear('b', { inputs: 20, outputs: 5, random })
    const module = new Sequential(layer, relu(), last)
    const before = workOf(module)
    expect(before).toEqual(noWork())
    step(module)
    const dense = 20 * 5
    expect(workOf(module)).toEqual({
      forward: TOKENS * (nnz + dense),
      inputGradient: TOKENS * dense,
      weightGradient: TOKENS * (nnz + dense),
    })
    expect(flopsBetween(before, workOf(module))).toBe(2 * TOKENS * (2 * nnz + 3 * dense))
    module.forward(x, { input: false })
    const bytes = trainingBytes(module)
    const trained = nnz + 20 + dense + 5
    expect(bytes.weights).toBe(4 * trained + 4 * nnz + 4 * 21)
    expect(bytes.gradients).toBe(4 * trained)
    expect(bytes.state).toBe(8 * trained)
    // Without entries there is nothing to train, and the input is not kept.
    expect(bytes.saved).toBe(4 * TOKENS * ((nnz > 0 ? 12 : 0) + 20))
    expect(bytes.total).toBe(bytes.weights + bytes.gradients + bytes.state + bytes.saved + bytes.packed)
    expect(bytes.packed).toBeLessThan(40 * nnz + 8000)
  })
})

it('WASM memory is given back by dispose, and when patterns change', () => {
  const { module, layers } = network()
  const { memory } = wasm.open()
  const sparsify = (seed: number) => {
    for (const { weight } of layers) weight.repattern(randomMask(weight.shape, weight.shape[0] * 4, seed))
    step(module)
    trainingBytes(module)
  }
  sparsify(2)
  sparsify(1)
  const used = memory.used
  // How much is packed depends on the pattern, so that it ends with the one that it began with.
  for (let seed = 20; seed > 0; seed--) sparsify(seed)
  expect(memory.used).toBe(used)
  module.dispose()
  expect(memory.used).toBeLessThan(used)
  expect(trainingBytes(module).packed).toBe(0)
  step(module)
  expect(memory.used).toBe(used)
})

describe('rows 53 and 86: soups', () => {
  const parent = () => {
    const { module, layers } = network()
    for (const { weight } of layers)
      weight.repattern(highestMask(magnitudes(weight.value.data), weight.shape, weight.value.data.length >> 1))
    return { module, layers }
  }

  it('members keep the parent’s entries, and so does their mean; the next mask is inside it', () => {
    const members = [parent(), parent()]
    members.forEach(({ module }, i) => {
      const optimiser = sgd({ learningRate: 0.1 * (i + 1) })
      for (let j = 0; j < 3; j++) step(module, optimiser)
    })
    const mean = parent()
    averageParameters(
      mean.module.parameters,
      members.map(({ module }) => module.parameters),
    )
    mean.layers.forEach(({ weight }, i) => {
      expect(weight.value.data.length).toBe(members[0].layers[i].weight.value.data.length)
      const [a, b] = members.map(({ layers }) => layers[i].weight.value.data)
      weight.value.data.forEach((value, j) => {
        expect(value).toBeCloseTo((a[j] + b[j]) / 2, 6)
      })
      const before = weight.csr!
      const dense = new Float32Array(weight.shape[0] * weight.shape[1])
      for (let row = 0; row < before.shape[0]; row++)
        for (let j = before.rowOffsets[row]; j < before.rowOffsets[row + 1]; j++)
          dense[row * before.shape[1] + before.columnIndices[j]] = Math.abs(before.values[j])
      weight.repattern(highestMask(dense, weight.shape, before.nnz >> 1))
      expect(isSubset(weight.csr!, before)).toBe(true)
      expect(countOf(weight.csr!)).toBe(before.nnz >> 1)
    })
  })

  it('different patterns are refused, before anything changes', () => {
    const [a, b] = [parent(), parent()]
    b.layers[1].weight.repattern(randomMask([10, 20], 100, 9))
    const before = values(a.module)
    expect(() => averageParameters(a.module.parameters, [a.module.parameters, b.module.parameters])).toThrow(/denser/)
    expect(changed(a.module, before)).toEqual([])
    expect(() => averageParameters(a.module.parameters, [a.module.parameters.slice(1)])).toThrow(/6 parameters/)
  })
})

describe('row 4 and 25: from sparse to dense', () => {
  it('kept weights stay bit-identical in the switch; the first dense step moves the zeros', () => {
    const random = new Random(1)
    const layer = new SparseLinear('a', { inputs: 12, outputs: 5, random, pattern: randomMask([5, 12], 20, 1) })
    const optimiser = adam({ learningRate: 0.01 })
    for (let i = 0; i < 3; i++) {
      step(layer, optimiser)
      expect(layer.weight.csr!.nnz).toBe(20)
    }
    const kept = layer.weight.csr!
    const sparse = kept.values.slice()
    layer.weight.repattern(undefined)
    const places = [...layer.weight.value.data.keys()].filter((i) => layer.weight.value.data[i] !== 0)
    expect(places.map((i) => layer.weight.value.data[i])).toEqual([...sparse])
    const first = layer.weight.state.get('first')!
    expect(places.every((i) => first[i] !== 0)).toBe(true)
    step(layer, optimiser)
    expect(layer.weight.gradient!.every((slope) => slope !== 0)).toBe(true)
    expect(layer.weight.value.data.every((value) => value !== 0)).toBe(true)
  })
})
