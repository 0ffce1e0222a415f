import { tensor } from '@nnz/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  countKept,
  type LayerStatistics,
  type LayerWeights,
  magnitude,
  type Pattern,
  type SparsegptOptions,
  StatisticsCollector,
  sparsegpt,
} from '../src/index.ts'
import { unitsOf } from '../src/pattern/pattern.ts'
import { randomInputs, randomLayer, rowErrors, sum } from './support/layers.ts'

const PATTERNS: Pattern[] = [
  { kind: 'unstructured' },
  { kind: 'nm', n: 2, m: 4 },
  { kind: 'nm', n: 1, m: 5 },
  { kind: 'grouped-nm', n: 2, m: 4, group: 3 },
  { kind: 'block', height: 4, width: 3 },
  { kind: 'block', height: 2, width: 16 },
  { kind: 'column-vector', height: 4 },
]

function collect(x: Float32Array, columns: number): LayerStatistics {
  const collector = new StatisticsCollector(columns)
  collector.add(tensor(x, [columns === 0 ? 0 : x.length / columns, columns]))
  return collector.statistics()
}

/** Statistics whose Gram matrix is a multiple of the identity. */
function isotropic(columns: number, size = 3): LayerStatistics {
  const gram = new Float32Array(columns * columns).map((_, i) => (i % (columns + 1) === 0 ? size : 0))
  return {
    tokens: columns,
    squaredNorms: new Float64Array(columns).fill(size),
    means: new Float64Array(columns),
    gram,
  }
}

/** Squared error of the output as a share of the output's square. */
function errorOf(layer: LayerWeights, pruned: Float32Array, x: Float32Array): number {
  return sum(rowErrors(layer, pruned, x)) / sum(rowErrors(layer, new Float32Array(pruned.length), x))
}

function expectPattern(mask: Uint8Array, rows: number, columns: number, pattern: Pattern): void {
  const { height, width, nm } = unitsOf(pattern, 'test')
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const first = (row - (row % height)) * columns + column - (column % width)
      expect(mask[row * columns + column]).toBe(mask[first])
    }
  for (let from = 0; nm && from < rows * columns; from += columns)
    for (let begin = 0; begin < columns; begin += nm.m) {
      const group = mask.subarray(from + begin, from + Math.min(begin + nm.m, columns))
      expect(countKept(group)).toBe(Math.min(nm.n, group.length))
    }
}

describe.each(PATTERNS)('$kind $n $m $height $width', (pattern) => {
  const rows = 26
  const columns = 46
  const layer = randomLayer(rows, columns, 11)
  const x = randomInputs(200, columns, 12)
  const statistics = collect(x, columns)

  it.each([
    {},
    { scope: 'row' },
    { refine: true },
    { blockSize: 16 },
    { quantise: { bits: 8 } },
    { refine: true, quantise: { bits: 4, groupColumns: 10 } },
  ] as SparsegptOptions[])('keeps as many as magnitude with %o, where the pattern allows', (options) => {
    for (const sparsity of [0, 0.35, 0.5, 0.9, 1]) {
      const pruned = sparsegpt(layer, statistics, { pattern, sparsity, ...options })
      const same = magnitude(layer, { pattern, sparsity, scope: options.scope })
      expectPattern(pruned.mask, rows, columns, pattern)
      // Blocks at the edges have fewer entries.
      const entries = rows % unitsOf(pattern, '').height === 0 && columns % unitsOf(pattern, '').width === 0
      if (entries) expect(countKept(pruned.mask)).toBe(countKept(same.mask))
      for (let i = 0; i < pruned.mask.length; i++) if (pruned.mask[i] === 0) expect(pruned.weights[i]).toBe(0)
      expect(pruned.error).toBeCloseTo(errorOf(layer, pruned.weights, x), 4)
    }
  })

  it('is magnitude, weights bit by bit, where inputs are independent of each other', () => {
    for (const sparsity of [0, 0.4, 0.8]) {
      for (const refine of [false, true]) {
        const pruned = sparsegpt(layer, isotropic(columns), { pattern, sparsity, refine })
        const expected = magnitude(layer, { pattern, sparsity })
        expect(pruned.mask).toEqual(expected.mask)
        if (!refine) expect(pruned.weights).toEqual(expected.weights)
      }
    }
  })

  it('leaves less error than magnitude, and refined still less', () => {
    const options = { pattern, sparsity: 0.6 }
    const plain = sparsegpt(layer, statistics, options)
    expect(plain.error).toBeLessThan(0.8 * errorOf(layer, magnitude(layer, options).weights, x))
    expect(sparsegpt(layer, statistics, { ...options, refine: true }).error).toBeLessThan(plain.error)
  })
})

describe('sparsegpt', () => {
  it('never leaves more error than magnitude, however few tokens there are', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1e6 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 30 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom(...PATTERNS),
        fc.constantFrom(0, 1e-3, 0.01, 1),
        fc.boolean(),
        (seed, rows, columns, tokens, sparsity, pattern, damping, refine) => {
          const layer = randomLayer(rows, columns, seed)
          const statistics = collect(randomInputs(tokens, columns, seed), columns)
          const options = { pattern, sparsity }
          const pruned = sparsegpt(layer, statistics, { ...options, damping, refine })
          const simple = magnitude(layer, options)
          expect(countKept(pruned.mask) === countKept(simple.mask) || pattern.kind === 'block').toBe(true)
          const difference = { ...layer, weights: layer.weights.map((weight, i) => weight - simple.weights[i]) }
          expect(pruned.error).toBeLessThanOrEqual(outputShare(difference, layer, statistics) + 1e-5)
        },
      ),
      { numRuns: 150 },
    )

    function outputShare(part: LayerWeights, whole: LayerWeights, statistics: LayerStatistics): number {
      const energy = energyOf(whole, statistics)
      return energy === 0 ? 0 : energyOf(part, statistics) / energy
    }

    function energyOf({ weights, rows, columns }: LayerWeights, { gram }: LayerStatistics): number {
      let total = 0
      for (let row = 0; row < rows; row++)
        for (let i = 0; i < columns; i++)
          for (let j = 0; j < columns; j++)
            total += weights[row * columns + i] * gram![i * columns + j] * weights[row * columns + j]
      return total
    }
  })

  it('changes nothing at sparsity 0, and gives zeros at 1', () => {
    const layer = randomLayer(5, 9, 1)
    const statistics = collect(randomInputs(40, 9, 1), 9)
    expect(sparsegpt(layer, statistics, { sparsity: 0 })).toMatchObject({ weights: layer.weights, error: 0 })
    expect(sparsegpt(layer, statistics, { sparsity: 1 })).toMatchObject({ weights: new Float32Array(45), error: 1 })
  })

  it('compensates a removed weight by the one that says the same', () => {
    const x = Float32Array.from({ length: 40 }, (_, i) => Math.sin(i >> 1) * (i % 2 === 0 ? 1 : 2))
    const layer = { weights: Float32Array.of(1, 3), rows: 1, columns: 2 }
    const { weights, mask, error } = sparsegpt(layer, collect(x, 2), { kept: 1, damping: 1e-6 })
    expect(mask).toEqual(Uint8Array.of(0, 1))
    expect(weights[1]).toBeCloseTo(3.5, 4)
    expect(error).toBeLessThan(1e-6)
  })

  it('refined weights are the least squares solution for their mask', () => {
    const [rows, columns] = [4, 12]
    const layer = randomLayer(rows, columns, 5)
    const x = randomInputs(100, columns, 6)
    const statistics = collect(x, columns)
    const options = { sparsity: 0.5, refine: { rounds: 2, steps: 60 }, damping: 0 }
    const { weights, mask } = sparsegpt(layer, statistics, options)
    const difference = { rows, columns, weights: layer.weights.map((weight, i) => weight - weights[i]) }
    const scale = Math.sqrt(Math.max(...statistics.squaredNorms))
    for (let row = 0; row < rows; row++)
      for (let i = 0; i < columns; i++) {
        if (mask[row * columns + i] === 0) continue
        let gradient = 0
        for (let j = 0; j < columns; j++)
          gradient += difference.weights[row * columns + j] * statistics.gram![j * columns + i]
        expect(Math.abs(gradient)).toBeLessThan(1e-4 * scale * Math.sqrt(statistics.squaredNorms[i]))
      }
  })

  it('gives dead inputs the weight 0, and keeps the exact number all the same', () => {
    const layer = randomLayer(6, 16, 2)
    const x = randomInputs(50, 16, 3).map((value, i) => (i % 4 === 1 ? 0 : value))
    for (const pattern of [PATTERNS[0], PATTERNS[1]])
      for (const refine of [false, true]) {
        const { weights, mask } = sparsegpt(layer, collect(x, 16), { pattern, sparsity: 0.5, refine })
        expect(weights.every(Number.isFinite)).toBe(true)
        expect(weights.filter((_, i) => i % 4 === 1)).toEqual(new Float32Array(24))
        expect(countKept(mask)).toBe(48)
      }
  })

  it('prunes without a single token as without data', () => {
    const layer = randomLayer(6, 10, 2)
    const { mask, error } = sparsegpt(layer, collect(new Float32Array(0), 10), { sparsity: 0.5 })
    expect(countKept(mask)).toBe(30)
    expect(error).toBe(0)
  })

  it.each([
    [0, 4],
    [4, 0],
    [0, 0],
  ])('a layer [%i, %i] stays empty', (rows, columns) => {
    const layer = { weights: new Float32Array(0), rows, columns }
    const statistics = { tokens: 0, squaredNorms: new Float64Array(columns), means: new Float64Array(columns) }
    const gram = new Float32Array(columns * columns)
    expect(sparsegpt(layer, { ...statistics, gram }, { sparsity: 0.5 }).weights).toEqual(new Float32Array(0))
  })

  it('with the same number in each row', () => {
    const layer = randomLayer(7, 40, 8)
    const { mask } = sparsegpt(layer, collect(randomInputs(90, 40, 9), 40), { sparsity: 0.7, scope: 'row' })
    for (let row = 0; row < 7; row++) expect(countKept(mask.subarray(row * 40, row * 40 + 40))).toBe(12)
  })
})

describe('quantisation', () => {
  const [rows, columns] = [16, 50]
  const layer = randomLayer(rows, columns, 21)
  const statistics = collect(randomInputs(300, columns, 22), columns)

  it.each([
    [8, undefined],
    [8, 16],
    [4, undefined],
    [4, 16],
  ] as const)('to %i bits in groups of %s: weights are codes times scales', (bits, groupColumns) => {
    const { weights, mask, quantised } = sparsegpt(layer, statistics, {
      sparsity: 0.5,
      quantise: { bits, groupColumns },
    })
    const { codes, scales, groupColumns: width } = quantised!
    const groups = Math.ceil(columns / width)
    expect(width).toBe(groupColumns ?? columns)
    expect(scales.length).toBe(rows * groups)
    for (let row = 0, i = 0; row < rows; row++)
      for (let column = 0; column < columns; column++, i++) {
        expect(Math.abs(codes[i])).toBeLessThanOrEqual(bits === 8 ? 127 : 7)
        if (mask[i] === 0) expect(codes[i]).toBe(0)
        expect(weights[i]).toBe(Math.fround(codes[i] * scales[row * groups + Math.floor(column / width)]))
      }
  })

  it('costs less than rounding afterwards', () => {
    const options = { sparsity: 0.5, quantise: { bits: 4 as const } }
    const joint = sparsegpt(layer, statistics, options)
    const pruned = sparsegpt(layer, statistics, { sparsity: 0.5 })
    // No inputs to speak of: the nearest value without compensation.
    const rounded = sparsegpt({ ...layer, weights: pruned.weights }, isotropic(columns), {
      sparsity: 0,
      quantise: options.quantise,
    })
    const after = errorOf(layer, rounded.weights, randomInputs(300, columns, 22))
    expect(joint.error).toBeLessThan(0.9 * after)
    expect(sparsegpt(layer, statistics, { ...options, refine: true }).error).toBeLessThanOrEqual(joint.error)
  })

  it('of zeros gives zeros', () => {
    const zeros = { rows: 2, columns: 4, weights: new Float32Array(8) }
    const { weights } = sparsegpt(zeros, isotropic(4), { sparsity: 0.5, quantise: { bits: 8 } })
    expect(weights).toEqual(new Float32Array(8))
  })
})

describe('arguments', () => {
  const layer = randomLayer(3, 4, 1)
  const options = { sparsity: 0.5 }

  it.each([
    ['no Gram matrix', () => sparsegpt(layer, { ...isotropic(4), gram: undefined }, options), TypeError],
    ['one of another size', () => sparsegpt(layer, isotropic(5), options), RangeError],
    ['no statistics', () => sparsegpt(layer, undefined as never, options), TypeError],
    ['an indefinite matrix', () => sparsegpt(layer, { ...isotropic(4), gram: indefinite() }, options), RangeError],
    ['NaN in the matrix', () => sparsegpt(layer, isotropic(4, Number.NaN), options), RangeError],
    ['no sparsity', () => sparsegpt(layer, isotropic(4), {}), RangeError],
    ['blockSize 0', () => sparsegpt(layer, isotropic(4), { ...options, blockSize: 0 }), RangeError],
    ['damping below 0', () => sparsegpt(layer, isotropic(4), { ...options, damping: -1 }), RangeError],
    ['half a step', () => sparsegpt(layer, isotropic(4), { ...options, refine: { steps: 0.5 } }), RangeError],
    ['5 bits', () => sparsegpt(layer, isotropic(4), { ...options, quantise: { bits: 5 as 4 } }), RangeError],
    ['no layer', () => sparsegpt({ ...layer, rows: 4 }, isotropic(4), options), RangeError],
  ])('%s', (_, call, error) => {
    expect(call).toThrow(error)
  })

  function indefinite(): Float32Array {
    const gram = isotropic(4).gram!.slice()
    gram[1] = gram[4] = 1e6
    return gram
  }
})

describe('a layer that has been pruned twice', () => {
  it('keeps what was kept', () => {
    const layer = randomLayer(8, 24, 31)
    const statistics = collect(randomInputs(100, 24, 32), 24)
    const once = sparsegpt(layer, statistics, { sparsity: 0.5 })
    const twice = sparsegpt({ ...layer, weights: once.weights }, statistics, { sparsity: 0.5 })
    expect(twice.weights).toEqual(once.weights)
  })
})
