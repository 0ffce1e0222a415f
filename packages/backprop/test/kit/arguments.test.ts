import { tensor } from '@nnz/core'
import { describe, expect, it } from 'vitest'
import * as kit from '../../src/kit/index.ts'

const { Linear, Parameter, Random, Sequential, adam, relu, sgd } = kit
const random = () => new Random(1)
const parameter = () => new Parameter('p', kit.initialWeights([2, 3], random()))

/** Arguments that no function or class of the kit takes. */
const WRONG: readonly (readonly unknown[])[] = [
  [],
  [null],
  [{}],
  [{}, {}],
  ['a'],
  ['a', {}],
  ['a', null],
  [5],
  [[]],
  [[null], 1],
  [[1], {}],
  [{}, undefined, {}],
  [{ pattern: {}, values: [] }, [], {}],
  [[2, 2], 0.5, {}],
]

/** Every error is one of ours. */
function expectOurs(call: () => unknown, where: string): void {
  try {
    call()
  } catch (error) {
    expect(error, `${where}: ${error}`).toHaveProperty('code', expect.stringMatching(/^NNZ_(TYPE|VALUE|SHAPE|LAYOUT)$/))
  }
}

describe('wrong arguments give errors of ours', () => {
  const functions = Object.entries(kit).filter(([, value]) => typeof value === 'function')

  it.each(functions)('%s', (name, value) => {
    const isClass = /^class /.test(Function.prototype.toString.call(value))
    for (const args of WRONG) {
      const where = `${name}(${JSON.stringify(args).slice(1, -1)})`
      expectOurs(() => {
        const made = isClass ? Reflect.construct(value, args) : (value as (...args: unknown[]) => unknown)(...args)
        // Generators begin with the first value.
        if (name === 'everyModule') [...(made as Iterable<unknown>)]
      }, where)
    }
  })

  const methods: readonly (readonly [string, object, readonly string[]])[] = [
    ['Parameter', parameter(), ['train', 'repattern', 'takeGradient']],
    ['Random', random(), ['below', 'sample']],
    ['Sequential', new Sequential(relu()), ['forward', 'backward']],
    ['Linear', new Linear('l', { inputs: 3, outputs: 2, random: random() }), ['forward', 'backward']],
    ['sgd', sgd({ learningRate: 1 }), ['step']],
    ['adam', adam({ learningRate: 1 }), ['step']],
    ['RunningAverage', new kit.RunningAverage(), ['add', 'restore']],
    ['PeakBytes', new kit.PeakBytes(), ['look']],
    ['LayerImportance', new kit.LayerImportance(3), ['sample', 'reward']],
  ]

  it.each(methods)('methods of %s', (name, object, keys) => {
    for (const key of keys) {
      for (const args of WRONG.filter(([, options]) => options !== null)) {
        const method = Reflect.get(object, key) as (...args: unknown[]) => unknown
        expectOurs(() => method.apply(object, [...args]), `${name}.${key}(${JSON.stringify(args).slice(1, -1)})`)
      }
    }
  })
})

describe('values that would do harm are refused', () => {
  it.each([
    ['sgd', () => sgd({ learningRate: 0.1 })],
    ['adam', () => adam({ learningRate: 0.1 })],
  ] as const)('a learning rate of %s that is no number', (name, make) => {
    const optimiser = make()
    const p = parameter()
    p.gradient = new Float32Array(6).fill(1)
    const before = p.value.data.slice()
    for (const rate of [Number.NaN, -1, Number.POSITIVE_INFINITY, '0.1' as never])
      expect(() => optimiser.step([p], rate)).toThrow(`${name}: expected learningRate from 0`)
    expect(p.value.data).toEqual(before)
    expect(optimiser.steps).toBe(0)
    optimiser.step([p], 0.5)
    expect(p.value.data).not.toEqual(before)
  })

  it('indices that are not whole', () => {
    const p = parameter()
    for (const indices of [[0.5], Float32Array.of(0.5), undefined] as never[])
      expect(() => p.train({ what: 'rows', indices })).toThrow(/^p: expected indices to be a Uint32Array/)
    expect(() => p.train({ what: 'some' } as never)).toThrow(/^p: expected to train all, nothing, .* got "some"/)
    expect(p.trained.what).toBe('all')
    p.train({ what: 'rows', indices: Uint32Array.of(1) })
    expect(p.count).toBe(3)
  })

  it('sparse modules without a pattern', () => {
    const options = { inputs: 3, outputs: 2, random: random() } as never
    expect(() => new kit.SparseLinear('l', options)).toThrow(/SparseLinear: expected pattern to be a pattern/)
  })

  it('labels where there is no class', () => {
    expect(() => kit.crossEntropy(tensor([], [2, 0]), [0, 0])).toThrow(/at least one class, got \[2, 0\]/)
    expect(() => kit.crossEntropy(tensor([1, 2], [2, 1]), [0, 1])).toThrow(/labels in 0\.\.0, got 1/)
  })
})
