import { describe, expect, it } from 'vitest'
import {
  attention,
  blockMask,
  type GatedOptions,
  js,
  ReusedMask,
  reference,
  type Selection,
  selection,
  type Tensor,
  tensor,
  wasm,
} from '../src/index.ts'
import { expectClose } from './close.ts'
import { normal, operands } from './problems.ts'

const BACKENDS = [
  ['js', js],
  ['wasm', wasm.open()],
  ['two threads', await wasm.threads(2)],
] as const

/** A gate that passes the mean of each block through. */
function identityGate(heads: number, keyHeads: number, headDim: number): Pick<GatedOptions, 'queries' | 'keys'> {
  const side = (count: number) => ({
    pools: ['mean'] as const,
    weights: tensor(
      Float32Array.from({ length: count * headDim * headDim }, (_, i) =>
        Number(Math.floor(i / headDim) % headDim === i % headDim),
      ),
      [count, headDim, headDim],
    ),
  })
  return { queries: side(heads), keys: side(keyHeads) }
}

type Select = (
  q: Tensor,
  k: Tensor,
  options: { causal: boolean; blockShape: number[]; backend: typeof js },
) => Selection

const all = { density: 1 }
const EVERYTHING: [string, Select][] = [
  ['pooled', (q, k, options) => selection.pooled(q, k, { ...options, threshold: 1 })],
  [
    'gated',
    (q, k, options) =>
      selection.gated(q, k, { ...options, ...all, ...identityGate(q.shape.at(-3)!, k.shape.at(-3)!, 8) }),
  ],
  ['exact', (q, k, options) => selection.exact(q, k, { ...options, ...all })],
  [
    'verticalSlash',
    (q, k, options) => selection.verticalSlash(q, k, { ...options, vertical: all, slash: { topK: 1 } }),
  ],
  [
    'verticalSlash, pairs',
    (q, k, options) =>
      selection.verticalSlash(q, k, { ...options, vertical: { topK: 1 }, slash: all, pairs: true, lastQueries: 99 }),
  ],
  ['stripes', (q, k, options) => selection.stripes(q, k, { ...options, ...all })],
  ['flexible', (q, k, options) => selection.flexible(q, k, { ...options, threshold: 1 })],
]

const few = { topK: 5 }
const SOME: [string, Select][] = [
  ['pooled', (q, k, options) => selection.pooled(q, k, { ...options, ...few })],
  ['gated', (q, k, options) => selection.gated(q, k, { ...options, ...few, ...identityGate(4, 2, 64) })],
  ['exact', (q, k, options) => selection.exact(q, k, { ...options, ...few })],
  [
    'verticalSlash',
    (q, k, options) => selection.verticalSlash(q, k, { ...options, vertical: { topK: 2 }, slash: { topK: 2 } }),
  ],
  ['stripes', (q, k, options) => selection.stripes(q, k, { ...options, ...few })],
  ['flexible', (q, k, options) => selection.flexible(q, k, { ...options, threshold: 0.5, tolerance: 0.2 })],
]

const most = { threshold: 0.9 }
const SHARES: [string, Select][] = [
  ['pooled', (q, k, options) => selection.pooled(q, k, { ...options, ...most, localBlocks: 0 })],
  ['gated', (q, k, options) => selection.gated(q, k, { ...options, ...most, ...identityGate(2, 2, 8) })],
  ['exact', (q, k, options) => selection.exact(q, k, { ...options, ...most, localBlocks: 0, sharedByGroup: true })],
  ['verticalSlash', (q, k, options) => selection.verticalSlash(q, k, { ...options, vertical: most, slash: most })],
  ['stripes', (q, k, options) => selection.stripes(q, k, { ...options, ...most, window: 0 })],
  ['flexible', (q, k, options) => selection.flexible(q, k, { ...options, ...most, tolerance: 0.5 })],
  ['flexible, lines', (q, k, options) => selection.flexible(q, k, { ...options, ...most, tolerance: 0 })],
]

describe.each(BACKENDS)('selections on %s', (_, backend) => {
  it.each(EVERYTHING)('%s with the whole budget gives dense attention', (_, select) => {
    for (const size of [
      { batch: 2, heads: 4, keyHeads: 2, tokens: 70, keys: 70 },
      { heads: 2, tokens: 50, keys: 70 },
      { heads: 2, tokens: 70, keys: 50 },
    ])
      for (const causal of [false, true]) {
        const { q, k, v } = operands({ name: '', headDim: 8, ...size })
        const { mask } = select(q, k, { causal, blockShape: [16, 24], backend: backend as typeof js })
        const dense = reference(q, k, v, { causal }).output
        expectClose(attention(q, k, v, { mask, backend }).output.data, dense)
      }
  })

  it.each(EVERYTHING)('%s takes no queries, no keys, and one of each', (_, select) => {
    for (const [tokens, keys] of [
      [0, 5],
      [5, 0],
      [0, 0],
      [1, 1],
    ]) {
      const { q, k } = operands({ name: '', heads: 1, tokens, keys, headDim: 8 })
      const { mask } = select(q, k, { causal: true, blockShape: [4, 4], backend: backend as typeof js })
      expect([mask.rows, mask.columns]).toEqual([tokens, keys])
      expect(blockMask.keptPairs(mask)).toBe(tokens === 1 ? 1 : 0)
    }
  })

  it.each(SHARES)('%s with a threshold shows the NaN of dense attention, and no other', (_, select) => {
    for (const [operand, token] of [
      ['q', 0],
      ['q', 39],
      ['k', 20],
    ] as const)
      for (const causal of [false, true]) {
        const { q, k, v } = operands({ name: '', heads: 2, tokens: 40, keys: 40, headDim: 8 })
        ;({ q, k })[operand].data[token * 8] = Number.NaN
        const { mask } = select(q, k, { causal, blockShape: [16, 16], backend: backend as typeof js })
        const where = (output: Tensor) => Array.from(output.data, Number.isNaN)
        expect(where(attention(q, k, v, { mask, backend }).output)).toEqual(
          where(attention(q, k, v, { causal, backend }).output),
        )
      }
  })

  it('gated by the means is pooled; by other poolings it finds what they show', () => {
    const { q, k } = operands({ name: '', batch: 2, heads: 4, keyHeads: 2, tokens: 100, keys: 120, headDim: 8 })
    const options = { topK: 3, blockShape: [16, 16], backend }
    expect(selection.gated(q, k, { ...options, ...identityGate(4, 2, 8), scale: 8 ** -0.5 }).mask).toEqual(
      selection.pooled(q, k, options).mask,
    )
    // One large key in block 3 is lost in the mean and seen by the maximum.
    const headDim = 8
    const data = normal(96 * headDim, 1, 0.01)
    data[52 * headDim] = 5
    const ones = tensor(new Float32Array(96 * headDim).fill(1), [1, 96, headDim])
    const first = new Float32Array(4 * 3 * headDim)
    first[headDim] = 1 // output 0 is the maximum of dimension 0
    const gate = {
      queries: { pools: ['mean'] as const, weights: tensor(normal(4 * headDim, 2).map(Math.abs), [1, 4, headDim]) },
      keys: { pools: ['mean', 'maximum', 'minimum'] as const, weights: tensor(first, [1, 4, 3 * headDim]) },
    }
    const result = selection.gated(ones, tensor(data, [1, 96, headDim]), {
      topK: 1,
      blockShape: [16, 16],
      backend,
      ...gate,
    })
    expect([...result.mask.columnIndices]).toEqual(Array(6).fill(3))
    expect(result.cost.flops).toBeGreaterThan(0)
  })
})

describe.each(BACKENDS.slice(1))('selections on %s', (_, backend) => {
  it.each(SOME)('%s chooses the same as plain JS', (_, select) => {
    const { q, k } = operands({ name: '', heads: 4, keyHeads: 2, tokens: 130, keys: 200, headDim: 64 })
    for (const causal of [false, true]) {
      const options = { causal, blockShape: [16, 16] }
      const { mask } = select(q, k, { ...options, backend: backend as typeof js })
      expect(mask).toEqual(select(q, k, { ...options, backend: js }).mask)
      expect(blockMask.density(mask)).toBeLessThan(causal ? 0.5 : 0.7)
    }
  })
})

describe('selection.gated', () => {
  const { q, k } = operands({ name: '', heads: 2, tokens: 20, keys: 20, headDim: 8 })
  const gate = identityGate(2, 2, 8)
  it.each([
    [
      'no pools',
      { keys: { ...gate.keys, pools: [] } },
      RangeError,
      'keys.weights is [2, 8, 8], expected [2, gateDim, 0 p',
    ],
    [
      'pool',
      { keys: { ...gate.keys, pools: ['x'] } },
      RangeError,
      'keys.pools: expected "mean", "maximum" or "minimum"',
    ],
    [
      'heads',
      { queries: identityGate(3, 1, 8).queries },
      RangeError,
      'queries.weights is [3, 8, 8], expected [2, gate',
    ],
    [
      'gateDim',
      { keys: { pools: ['mean'], weights: tensor(new Float32Array(64), [2, 4, 8]) } },
      RangeError,
      'one gateDim',
    ],
    ['nothing', { keys: undefined }, TypeError, 'selection.gated: keys: expected options to be an object'],
  ])('refuses a wrong gate: %s', (_, change, kind, message) => {
    const act = () => selection.gated(q, k, { topK: 1, ...gate, ...change } as GatedOptions)
    expect(act).toThrow(kind)
    expect(act).toThrow(message)
  })
})

describe('selections', () => {
  const { q, k } = operands({ name: '', heads: 2, tokens: 20, keys: 20, headDim: 8 })
  const lines = { vertical: few, slash: few }
  it.each([
    ['exact', {}, TypeError, 'selection.exact: expected topK, density or threshold'],
    ['verticalSlash', { ...lines, slash: {} }, TypeError, 'verticalSlash: slash: expected topK, density or threshold'],
    [
      'verticalSlash',
      { slash: few },
      TypeError,
      'selection.verticalSlash: vertical: expected an object, got undefined',
    ],
    [
      'verticalSlash',
      { ...lines, lastQueries: 0 },
      RangeError,
      'lastQueries: expected a whole number in 1..2^31, got 0',
    ],
    ['verticalSlash', { ...lines, sinks: 0.5 }, RangeError, 'selection.verticalSlash: sinks: expected a whole number'],
    ['verticalSlash', { ...lines, window: -1 }, RangeError, 'selection.verticalSlash: window: expected a whole number'],
    [
      'verticalSlash',
      { ...lines, pairs: 1 },
      TypeError,
      'selection.verticalSlash: pairs: expected true or false, got 1',
    ],
    ['stripes', {}, TypeError, 'selection.stripes: expected topK, density or threshold'],
    ['stripes', { topK: 1, samples: 0 }, RangeError, 'selection.stripes: samples: expected a whole number in 1..2^31'],
    ['flexible', {}, TypeError, 'selection.flexible: threshold: expected a number, got undefined'],
    ['flexible', { threshold: 2 }, RangeError, 'selection.flexible: threshold: expected a number in 0..1, got 2'],
    [
      'flexible',
      { threshold: 1, tolerance: '1' },
      TypeError,
      'selection.flexible: tolerance: expected a number, got "1"',
    ],
    ['flexible', null, TypeError, 'selection.flexible: expected options to be an object, got null'],
  ] as const)('%s refuses wrong options', (name, options, kind, message) => {
    const act = () => (selection[name] as (q: Tensor, k: Tensor, options: unknown) => Selection)(q, k, options)
    expect(act).toThrow(kind)
    expect(act).toThrow(message)
  })
})

describe('ReusedMask', () => {
  const { q, k, v } = operands({ name: '', heads: 2, tokens: 64, keys: 64, headDim: 8 })
  const select = (a: Tensor, b: Tensor) => selection.exact(a, b, { density: 0.5, blockShape: [16, 16] })

  it('is full at first, then chosen once', () => {
    const reused = new ReusedMask({ select, fullSteps: 2 })
    const outputs = Array.from({ length: 5 }, () => attention(q, k, v, { mask: reused.next(q, k) }).output.data)
    expect([reused.steps, reused.selections]).toEqual([5, 1])
    const dense = attention(q, k, v).output.data
    expect(outputs[0]).toEqual(dense)
    expect(outputs[1]).toEqual(dense)
    const { mask, cost } = select(q, k)
    const sparse = reference(q, k, v, { mask }).output
    expectClose(outputs[2], sparse)
    expect(outputs[4]).toEqual(outputs[2])
    expect(reused.cost.flops).toBe(cost.flops)
  })

  it('is chosen anew after some steps, if asked', () => {
    const reused = new ReusedMask({ select, fullSteps: 1, every: 2 })
    const seen = Array.from({ length: 7 }, () => {
      reused.next(q, k)
      return reused.selections
    })
    expect(seen).toEqual([0, 1, 1, 2, 2, 3, 3])
    expect(reused.cost.flops).toBe(3 * select(q, k).cost.flops)
  })

  it('refuses wrong options', () => {
    expect(() => new ReusedMask({ select: 1 as unknown as typeof select })).toThrow(
      'ReusedMask: expected select to be a f',
    )
    expect(() => new ReusedMask({ select, fullSteps: -1 })).toThrow('ReusedMask: fullSteps: expected a whole number')
    expect(() => new ReusedMask({ select, every: 0 })).toThrow('ReusedMask: every: expected a whole number in 1..2^31')
    expect(() => new ReusedMask({ select: () => ({}) as Selection }).next(q, k)).toThrow('expected a blockMask')
  })
})
