import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  agreement,
  compareTwins,
  essentialSparsity,
  magnitude,
  magnitudeSweep,
  type PrunableLayer,
  type SparseTwin,
  sparseTwins,
  variationalDropoutMask,
} from '../src/index.ts'
import { randomLayer } from './support/layers.ts'

function prunable(name: string, rows: number, columns: number, seed: number) {
  const layer = {
    ...randomLayer(rows, columns, seed),
    name,
    set(weights: Float32Array) {
      layer.weights = weights
    },
  }
  return layer as PrunableLayer & { weights: Float32Array }
}

const GRID = Array.from({ length: 20 }, (_, i) => i / 20)

describe('essentialSparsity', () => {
  it('recovers a planted drop point, whatever the drop looks like', () => {
    const shapes = {
      linear: (over: number) => 1 - over,
      root: (over: number) => 1 - Math.sqrt(over),
      collapse: (over: number) => Math.max(0.1, 1 - 8 * over),
    }
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 17 }),
        fc.constantFrom(...Object.values(shapes)),
        fc.double({ min: 0.5, max: 90, noNaN: true }),
        (planted, shape, scale) => {
          const points = GRID.map((sparsity, i) => {
            const over = Math.max(0, sparsity - GRID[planted])
            // Before the drop quality falls a little, too.
            return { sparsity, quality: scale * (shape(over) - (0.01 * Math.min(i, planted)) / 20) }
          })
          expect(essentialSparsity(points)?.sparsity).toBe(GRID[planted])
        },
      ),
    )
  })

  it('of a quality of which less is better', () => {
    const points = GRID.map((sparsity) => ({ sparsity, quality: 3 + Math.max(0, sparsity - 0.6) ** 1.2 * 40 }))
    expect(essentialSparsity(points, { better: 'lower' })?.sparsity).toBe(0.6)
  })

  it('is none where nothing is lost', () => {
    const points = GRID.map((sparsity, i) => ({ sparsity, quality: 90 + (i % 3) / 10 }))
    expect(essentialSparsity(points)).toBeUndefined()
    expect(essentialSparsity(points, { tolerance: 0 })).toBeUndefined()
  })

  it('refuses what is no curve', () => {
    const point = (sparsity: number, quality = 1) => ({ sparsity, quality })
    expect(() => essentialSparsity([point(0), point(1)])).toThrow('at least 3 points, got 2')
    expect(() => essentialSparsity([point(0), point(0.5), point(0.5)])).toThrow('point 2: expected a rising sparsity')
    expect(() => essentialSparsity([point(0), point(0.5, Number.NaN), point(1)])).toThrow('point 1')
    expect(() => essentialSparsity([], { better: 'more' as never })).toThrow('got "more"')
  })
})

describe('magnitudeSweep', () => {
  it('visits nested masks of all layers together, nnz falling, and restores the weights', async () => {
    const layers = [prunable('a', 6, 10, 1), prunable('b', 4, 8, 2)]
    const before = layers.map(({ weights }) => weights.slice())
    const seen: number[][] = []
    const points = await magnitudeSweep(layers, {
      steps: [0, 0.25, 0.5, 0.9, 1],
      evaluate({ sparsity, nnz }) {
        const kept = layers.flatMap(({ weights }, l) =>
          [...weights.keys()].filter((i) => weights[i] !== 0).map((i) => l * 100 + i),
        )
        expect(kept.length).toBe(nnz)
        expect(nnz).toBe(Math.round(92 * (1 - sparsity)))
        seen.push(kept)
        return -sparsity
      },
    })
    expect(points.map(({ nnz }) => nnz)).toEqual([92, 69, 46, 9, 0])
    expect(points.map(({ quality }) => quality)).toEqual(points.map(({ sparsity }) => -sparsity))
    for (let i = 1; i < seen.length; i++) expect(new Set(seen[i - 1])).toEqual(new Set([...seen[i - 1], ...seen[i]]))
    expect(layers.map(({ weights }) => weights)).toEqual(before)
  })

  it('visits N:M patterns', async () => {
    const layers = [prunable('a', 4, 8, 1)]
    const steps = [4, 3, 2, 1].map((n) => ({ kind: 'nm', n, m: 4 }) as const)
    const points = await magnitudeSweep(layers, { steps, evaluate: () => 1 })
    expect(points.map(({ nnz, sparsity }) => [nnz, sparsity])).toEqual([
      [32, 0],
      [24, 0.25],
      [16, 0.5],
      [8, 0.75],
    ])
  })

  it('restores the weights if the measurement fails, and refuses steps before anything is changed', async () => {
    const layers = [prunable('a', 4, 8, 1)]
    const before = layers[0].weights.slice()
    const fail = () => Promise.reject(new Error('no data'))
    await expect(magnitudeSweep(layers, { steps: [0.5], evaluate: fail })).rejects.toThrow('no data')
    expect(layers[0].weights).toEqual(before)
    await expect(magnitudeSweep(layers, { steps: [2], evaluate: () => 1 })).rejects.toThrow('got 2')
    const block = { kind: 'block', height: 2, width: 2 } as const
    await expect(magnitudeSweep(layers, { steps: [block], evaluate: () => 1 })).rejects.toThrow('got block')
  })
})

describe('twins of a population', () => {
  const zoo = [1, 2, 3].map((seed) => ({
    name: `model ${seed}`,
    layers: new Map([
      ['first', randomLayer(4, 6, seed)],
      ['second', randomLayer(2, 4, seed + 10)],
    ]),
  }))

  it('are one for each model, layer by layer', async () => {
    const twins: SparseTwin[] = []
    for await (const twin of sparseTwins(zoo, (layers) => layers.map((layer) => magnitude(layer, { sparsity: 0.5 }))))
      twins.push(twin)
    expect(twins.map(({ name }) => name)).toEqual(['model 1', 'model 2', 'model 3'])
    for (const { name, layers } of twins) {
      const model = zoo.find((other) => other.name === name)!
      expect([...layers.keys()]).toEqual(['first', 'second'])
      for (const [key, { mask }] of layers)
        expect(mask).toEqual(magnitude(model.layers.get(key)!, { sparsity: 0.5 }).mask)
    }
    await expect(sparseTwins(zoo, () => []).next()).rejects.toThrow('model 1 has 2 layers, 0 came back')
  })

  it('are compared by layer', () => {
    const twin = (...bits: number[]): SparseTwin => ({
      name: 'twin',
      layers: new Map([['only', { mask: Uint8Array.from(bits), weights: new Float32Array(bits.length) }]]),
    })
    expect(compareTwins(twin(1, 1, 0, 0), twin(1, 0, 0, 0))).toEqual([
      { name: 'only', sparsities: [0.5, 0.75], overlap: 0.5 },
    ])
    expect(compareTwins(twin(0, 0), twin(0, 0))[0].overlap).toBe(1)
    expect(() => compareTwins(twin(1), twin(1, 0))).toThrow('twin has no layer "only" of 1 weights')
    expect(() => compareTwins(twin(1), { name: 'none', layers: new Map() })).toThrow('none has 0')
  })

  it('agree by the share of equal predictions', () => {
    expect(agreement([1, 2, 3, 4], Uint8Array.of(1, 2, 0, 4))).toBe(0.75)
    expect(() => agreement([1], [])).toThrow('got 1 and 0')
  })
})

describe('variationalDropoutMask', () => {
  it('removes weights whose log α is above the threshold', () => {
    // log α = log variance - log mean²: 2, 3, 3.1, and infinite for a mean of 0.
    const weights = { means: [1, -1, Math.exp(1), 0], logVariances: [2, 3, 5.1, -20] }
    expect([...variationalDropoutMask(weights)]).toEqual([1, 1, 0, 0])
    expect([...variationalDropoutMask(weights, { threshold: 2.5 })]).toEqual([1, 0, 0, 0])
    expect(() => variationalDropoutMask({ means: [1], logVariances: [] })).toThrow('1 means and 0 logVariances')
    expect(() => variationalDropoutMask({ means: [Number.NaN], logVariances: [1] })).toThrow('got NaN and 1 at 0')
  })
})
