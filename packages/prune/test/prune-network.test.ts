import { describe, expect, it } from 'vitest'
import {
  countsByMagnitude,
  keptOf,
  magnitude,
  type Pattern,
  type PruneOptions,
  pruneNetwork,
  type StreamVisitor,
} from '../src/index.ts'
import { sum } from './support/layers.ts'
import { ToyNetwork } from './support/network.ts'

const TOTAL = 24 * 32 * 2 + 16 * 24

async function prune(options: PruneOptions) {
  const network = new ToyNetwork()
  const before = network.layers.map(({ weights }) => weights)
  const report = await pruneNetwork(network, options)
  return { network, before, report }
}

/** Norm of the network's hidden outputs' error over the norm of what they should be. */
function stageError(network: ToyNetwork, dense: ToyNetwork, layer: 'a' | 'b' | 'c'): number {
  let [error, norm] = [0, 0]
  for (const x of dense.batches) {
    const input = layer === 'c' ? network.hidden(x) : x
    const expected = dense[layer].apply(input).data
    const got = network[layer].apply(input).data
    for (let i = 0; i < expected.length; i++) {
      error += (got[i] - expected[i]) ** 2
      norm += expected[i] ** 2
    }
  }
  return Math.sqrt(error / norm)
}

describe('pruneNetwork', () => {
  it.each(['magnitude', 'wanda', 'dsnot'] as const)('%s prunes each layer and says how', async (method) => {
    const { network, before, report } = await prune({ method, sparsity: 0.6 })
    expect(report).toMatchObject({ method, pattern: 'unstructured', allocation: 'uniform' })
    expect(report.layers.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    expect(report.total).toMatchObject({ weights: TOTAL, nnz: keptOf(TOTAL, 0.6) })
    expect(network.streams).toBe(1)
    const dense = new ToyNetwork()
    network.layers.forEach((layer, l) => {
      const kept = layer.weights.map((weight, i) => (weight === 0 ? 0 : before[l][i]))
      expect(layer.weights).toEqual(kept)
      const { nnz, sparsity, error, weightError, rows, columns } = report.layers[l]
      expect(nnz).toBe(layer.weights.filter((weight) => weight !== 0).length)
      expect(sparsity).toBeCloseTo(1 - nnz / (rows * columns), 12)
      // Inputs of the second stage are those that the pruned first one gives.
      expect(error).toBeCloseTo(stageError(network, dense, layer.name as 'a'), 4)
      const lost = before[l].map((weight, i) => weight - layer.weights[i])
      expect(weightError).toBeCloseTo(Math.hypot(...lost) / Math.hypot(...before[l]), 5)
    })
  })

  it('loses less of each output by Wanda than by magnitude, less by DSnoT than by Wanda, and less by SparseGPT if refined', async () => {
    const errors = async (options: PruneOptions) => (await prune(options)).report.layers.map(({ error }) => error!)
    const updated = await errors({ method: 'sparsegpt', sparsity: 0.6 })
    const refined = await errors({ method: 'sparsegpt', sparsity: 0.6, refine: true })
    const byMagnitude = await errors({ method: 'magnitude', sparsity: 0.6, scope: 'row' })
    const byNorm = await errors({ method: 'wanda', sparsity: 0.6 })
    const exchanged = await errors({ method: 'dsnot', sparsity: 0.6 })
    for (const layer of [0, 1]) {
      expect(byNorm[layer]).toBeLessThan(byMagnitude[layer])
      expect(exchanged[layer]).toBeLessThan(byNorm[layer])
      expect(updated[layer]).toBeLessThan(byMagnitude[layer])
      expect(refined[layer]).toBeLessThan(updated[layer])
    }
  })

  it.each<Pattern>([
    { kind: 'nm', n: 2, m: 4 },
    { kind: 'grouped-nm', n: 2, m: 4, group: 2 },
  ])('takes the sparsity from $kind', async (pattern) => {
    const { report } = await prune({ method: 'wanda', pattern })
    expect(report.layers.map(({ sparsity }) => sparsity)).toEqual([0.5, 0.5, 0.5])
    await expect(prune({ method: 'wanda', pattern, sparsity: 0.5 })).rejects.toThrow('sparsity is given by the pattern')
    await expect(prune({ method: 'wanda', pattern, allocation: 'erk' })).rejects.toThrow('allocation must be uniform')
  })

  it.each(['uniform', 'erk', 'global', 'sensitivity'] as const)(
    'has the exact total by %s allocation',
    async (allocation) => {
      const { report, network } = await prune({ method: 'wanda', sparsity: 0.777, allocation })
      expect(report.total.nnz).toBe(keptOf(TOTAL, 0.777))
      expect(network.streams).toBe(allocation === 'sensitivity' ? 2 : 1)
    },
  )

  it('with global allocation and magnitude removes the smallest of all layers', async () => {
    const { network, before } = await prune({
      method: 'magnitude',
      sparsity: 0.7,
      allocation: 'global',
      measure: false,
    })
    const dense = new ToyNetwork()
    const counts = countsByMagnitude(dense.layers, 0.7)
    network.layers.forEach((layer, i) => {
      const { rows, columns } = layer
      expect(layer.weights).toEqual(magnitude({ rows, columns, weights: before[i] }, { kept: counts[i] }).weights)
    })
    expect(network.streams).toBe(0)
  })

  it('by sensitivity loses less than uniformly, as the sum of squares of what it measures', async () => {
    const squares = async (allocation: 'uniform' | 'sensitivity') => {
      const network = new ToyNetwork()
      // One layer can lose nearly everything.
      network.b.weights = network.b.weights.map((weight, i) => (i % 32 < 3 ? weight * 50 : weight))
      const { layers } = await pruneNetwork(network, { method: 'magnitude', sparsity: 0.6, allocation })
      return sum(layers.map(({ error }) => error! ** 2))
    }
    expect(await squares('sensitivity')).toBeLessThan(0.95 * (await squares('uniform')))
  })

  it('rounds weights while pruning by sparsegpt, and gives the whole numbers', async () => {
    const codes: Int8Array[] = []
    const { network } = await prune({
      method: 'sparsegpt',
      pattern: { kind: 'nm', n: 2, m: 4 },
      quantise: { bits: 4 },
      onLayer: (_, __, quantised) => void codes.push(quantised!.codes),
    })
    network.layers.forEach(({ rows, columns, weights }, i) => {
      for (let row = 0; row < rows; row++)
        expect(new Set(weights.subarray(row * columns, (row + 1) * columns)).size).toBeLessThanOrEqual(15)
      weights.forEach((weight, at) => {
        expect(Math.sign(codes[i][at])).toBe(Math.sign(weight) + 0)
      })
    })
  })

  it('takes a sparsity for each layer', async () => {
    const { report } = await prune({ method: 'magnitude', allocation: { a: 0, b: 0.5, c: 1 } })
    expect(report.layers.map(({ sparsity }) => sparsity)).toEqual([0, 0.5, 1])
    expect(report.allocation).toBe('given')
    await expect(prune({ method: 'magnitude', allocation: { a: 0, b: 0 } })).rejects.toThrow(
      'no sparsity for the layer "c"',
    )
    await expect(prune({ method: 'magnitude', allocation: { a: 0, b: 0, c: 2 } })).rejects.toThrow(
      'c: expected a sparsity',
    )
  })

  it('prunes selected layers alone', async () => {
    const { network, before, report } = await prune({
      method: 'wanda',
      sparsity: 0.5,
      select: ({ name }) => name !== 'b',
    })
    expect(report.layers.map(({ name }) => name)).toEqual(['a', 'c'])
    expect(network.b.weights).toBe(before[1])
  })

  it('goes on with what an earlier call finished, to the same result', async () => {
    const options = { method: 'dsnot', sparsity: 0.6 } as const
    const whole = await prune(options)
    const written = new Map<string, Float32Array>()
    const interrupted = prune({
      ...options,
      async onLayer({ name }, weights) {
        await Promise.resolve()
        written.set(name, weights.slice())
        if (name === 'b') throw new Error('interrupted')
      },
    })
    await expect(interrupted).rejects.toThrow('interrupted')
    const again: string[] = []
    const seen: number[] = []
    const { network, report } = await prune({
      ...options,
      finished: written,
      onLayer: ({ name }) => void again.push(name),
      onProgress: ({ done }) => void seen.push(done),
    })
    expect(again).toEqual(['c'])
    expect(seen).toEqual([1, 2, 3])
    expect(network.layers.map(({ weights }) => weights)).toEqual(whole.network.layers.map(({ weights }) => weights))
    expect(report.layers[2]).toMatchObject({ error: whole.report.layers[2].error })
    const wrong = new Map([['a', new Float32Array(3)]])
    await expect(prune({ ...options, finished: wrong })).rejects.toThrow('a has 3 weights, expected 768')
  })

  it('looks once at an input that several layers share, and at each where tensors differ', async () => {
    const once = await prune({ method: 'dsnot', sparsity: 0.6 })
    const network = new ToyNetwork()
    const stream = network.stream.bind(network)
    network.stream = ({ observe, finished }: StreamVisitor) =>
      stream({ observe: (layer, x) => observe(layer, { ...x }), finished })
    const report = await pruneNetwork(network, { method: 'dsnot', sparsity: 0.6 })
    expect(network.layers.map(({ weights }) => weights)).toEqual(once.network.layers.map(({ weights }) => weights))
    expect(report.layers.map(({ error }) => error)).toEqual(once.report.layers.map(({ error }) => error))
  })

  it.each([
    [{ method: 'random' }, 'expected method to be one of magnitude, wanda, sparsegpt, dsnot, got "random"'],
    [{ method: 'wanda' }, 'expected a sparsity in 0..1, got undefined'],
    [{ method: 'wanda', sparsity: 0.5, allocation: 'even' }, 'expected allocation to be one of'],
    [{ method: 'wanda', sparsity: 0.5, quantise: { bits: 8 } }, 'quantise is for sparsegpt'],
    [
      { method: 'dsnot', sparsity: 0.5, pattern: { kind: 'block', height: 2, width: 2 } },
      'dsnot takes unstructured and nm',
    ],
    [{ method: 'wanda', sparsity: 0.5, onLayer: 3 }, 'expected onLayer to be a function, got 3'],
  ])('refuses %j', async (options, message) => {
    await expect(prune(options as PruneOptions)).rejects.toThrow(message)
  })

  it('refuses names that occur twice, weights that are not finite, and networks that tell nothing', async () => {
    const twice = new ToyNetwork()
    Object.assign(twice, { stages: [[twice.a, twice.b], [Object.assign(twice.c, { name: 'a' })]] })
    await expect(pruneNetwork(twice, { method: 'wanda', sparsity: 0.5 })).rejects.toThrow('two layers are called "a"')
    const damaged = new ToyNetwork()
    damaged.b.weights[33] = Number.NaN
    await expect(pruneNetwork(damaged, { method: 'wanda', sparsity: 0.5 })).rejects.toThrow('b: row 1, column 1')
    const silent = new ToyNetwork()
    silent.stream = async ({ finished }: StreamVisitor) => finished(0)
    for (const options of [{}, { allocation: 'sensitivity' }] as const)
      await expect(pruneNetwork(silent, { method: 'wanda', sparsity: 0.5, ...options })).rejects.toThrow('told of n')
  })
})
