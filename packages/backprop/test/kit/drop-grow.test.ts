import { csr, tensor } from '@nnz/core'
import { describe, expect, it } from 'vitest'
import {
  activeRows,
  condense,
  condensedLinear,
  countKept,
  dropLowest,
  dstEe,
  fanInOf,
  graNet,
  type MomentumLayer,
  meanMomentum,
  rigl,
  set,
  sparseMomentum,
  srigl,
} from '../../src/drop-grow/index.ts'
import { Random } from '../../src/kit/random.ts'
import {
  constantFanInMask,
  countOf,
  entriesIn,
  fullPattern,
  highestMask,
  isSubset,
  type Pattern,
  positionsOf,
  randomMask,
  samePattern,
} from '../../src/masks/index.ts'
import { cubic, progressive } from '../../src/schedules/index.ts'

const SHAPE = [24, 40]
const random = new Random(11)
const normals = (length: number) => Float32Array.from({ length }, () => random.normal())
const kept = (count = 200) => ({ pattern: randomMask(SHAPE, count, 1), values: normals(count) })

/** Positions of the one that are not in the other. */
function without(a: Pattern, b: Pattern): number[] {
  const found = entriesIn(a, b)
  return [...positionsOf(a)].filter((_, i) => found[i] < 0)
}

describe('SET and RigL', () => {
  it('keep the count, drop the smallest magnitudes, and grow the largest gradients', () => {
    const layer = kept()
    const gradient = normals(960)
    const next = rigl(layer, gradient, { fraction: 0.3 })
    expect(countOf(next)).toBe(200)
    const sorted = [...layer.values].map(Math.abs).sort((a, b) => a - b)
    const dropped = without(layer.pattern, next)
    const size = new Map([...positionsOf(layer.pattern)].map((at, i) => [at, Math.abs(layer.values[i])]))
    for (const at of dropped) expect(size.get(at)).toBeLessThan(sorted[60])
    const grown = new Set(without(next, layer.pattern))
    const weakest = Math.min(...[...grown].map((at) => Math.abs(gradient[at])))
    const inNext = new Set(positionsOf(next))
    for (let at = 0; at < 960; at++) if (!inNext.has(at)) expect(Math.abs(gradient[at])).toBeLessThanOrEqual(weakest)
    expect(countOf(set(layer, new Random(3), { fraction: 0.3 }))).toBe(200)
    expect(set(layer, new Random(3), { fraction: 0.3 })).toEqual(set(layer, new Random(3), { fraction: 0.3 }))
  })

  it('exchange no more than there is room for', () => {
    const full = kept(960)
    expect(countOf(rigl(full, normals(960), { fraction: 0.5 }))).toBe(960)
    expect(() => rigl(kept(), normals(10), { fraction: 0.3 })).toThrow(/960 scores/)
    expect(() => rigl(kept(), normals(960), { fraction: 1.5 })).toThrow(/0\.\.1/)
  })

  it('row 147: a mask inside a random source mask stays inside it', () => {
    const source = randomMask(SHAPE, 500, 5)
    let layer = { pattern: source, values: normals(500) }
    layer = {
      pattern: graNet(layer, normals(960), { target: 200, fraction: 0.2, within: source }),
      values: normals(200),
    }
    for (let step = 0; step < 5; step++) {
      layer = { pattern: rigl(layer, normals(960), { fraction: 0.4, within: source }), values: normals(200) }
      expect(isSubset(layer.pattern, source)).toBe(true)
      layer = { pattern: set(layer, new Random(step), { fraction: 0.4, within: source }), values: normals(200) }
      expect(isSubset(layer.pattern, source)).toBe(true)
    }
    expect(() => rigl(kept(), normals(960), { fraction: 0.1, within: randomMask(SHAPE, 10, 1) })).toThrow(/inside/)
  })
})

describe('row 24: DST-EE', () => {
  function explored(coefficient: number): number {
    let pattern = randomMask(SHAPE, 100, 2)
    const timesKept = new Uint32Array(960)
    const draw = new Random(4)
    // Gradients of one fixed order: a greedy grower comes back to the same places.
    const gradient = normals(960)
    for (let update = 1; update <= 20; update++) {
      countKept(timesKept, pattern)
      const values = Float32Array.from({ length: 100 }, () => draw.normal())
      pattern = dstEe({ pattern, values }, gradient, { fraction: 0.3, timesKept, update, coefficient })
      expect(countOf(pattern)).toBe(100)
    }
    return timesKept.filter((times) => times > 0).length
  }

  it('explores more the larger its coefficient', () => {
    const [none, some, much] = [explored(0), explored(0.5), explored(10)]
    expect(some).toBeGreaterThan(none)
    expect(much).toBeGreaterThanOrEqual(some)
  })

  it('without exploration is the greedy grower', () => {
    const layer = kept()
    const gradient = normals(960)
    const timesKept = new Uint32Array(960)
    const options = { fraction: 0.3, timesKept, update: 7, coefficient: 0 }
    expect(dstEe(layer, gradient, options)).toEqual(rigl(layer, gradient, { fraction: 0.3 }))
  })
})

describe('row 107 and 159: sparse momentum', () => {
  const layers: MomentumLayer[] = [100, 150, 60].map((count, i) => ({
    pattern: randomMask([20, 30], count, i),
    values: normals(count),
    momentum: normals(600).map((m) => m * (i + 1)),
  }))
  const next = sparseMomentum(layers, 0.2)

  it('leaves the count over all layers unchanged', () => {
    expect(next.reduce((sum, pattern) => sum + countOf(pattern), 0)).toBe(310)
  })

  it('gives each layer a share in proportion to its mean momentum', () => {
    const freed = [20, 30, 12]
    const means = layers.map(meanMomentum)
    const total = means.reduce((a, b) => a + b, 0)
    next.forEach((pattern, i) => {
      const grown = countOf(pattern) - (countOf(layers[i].pattern) - freed[i])
      expect(Math.abs(grown - (62 * means[i]) / total)).toBeLessThan(1)
    })
  })

  it('grows the zeros with the largest momentum', () => {
    next.forEach((pattern, i) => {
      const grown = without(pattern, layers[i].pattern)
      const weakest = Math.min(...grown.map((at) => Math.abs(layers[i].momentum[at])))
      const taken = new Set(positionsOf(pattern))
      const left = [...Array(600).keys()].filter((at) => !taken.has(at))
      for (const at of left) expect(Math.abs(layers[i].momentum[at])).toBeLessThanOrEqual(weakest)
    })
  })
})

it('row 162: GraNet regenerates what it prunes, so that the count follows the schedule', () => {
  const schedule = cubic({ to: 0.9, begin: 0, end: 8 })
  let layer = { pattern: randomMask(SHAPE, 960, 1), values: normals(960) }
  for (let step = 1; step <= 8; step++) {
    const target = Math.round(960 * (1 - schedule(step)))
    const gradient = normals(960)
    const pattern = graNet(layer, gradient, { target, fraction: 0.3 })
    expect(countOf(pattern)).toBe(target)
    const scores = [...layer.values].map(Math.abs).sort((a, b) => b - a)
    const regenerated = Math.min(Math.floor(0.3 * target), 960 - target)
    // What is kept besides the regenerated entries are the largest magnitudes.
    const entries = new Set(positionsOf(pattern))
    const strong = [...positionsOf(layer.pattern)].filter(
      (_, i) => Math.abs(layer.values[i]) >= scores[target - regenerated - 1],
    )
    for (const at of strong) expect(entries.has(at)).toBe(true)
    layer = { pattern, values: normals(target) }
  }
})

it('rows 92 and 171: masks that follow a rising sparsity are nested while weights are frozen', () => {
  const weights = normals(960)
  const schedule = progressive([0, 10, 20, 30], 0.9)
  let mask = fullPattern(SHAPE)
  for (const step of [0, 10, 20, 30]) {
    const count = Math.round(960 * (1 - schedule(step)))
    const kept = Float32Array.from(positionsOf(mask), (at) => Math.abs(weights[at]))
    const next = dropLowest(mask, kept, countOf(mask) - count)
    expect(isSubset(next, mask)).toBe(true)
    expect(countOf(next)).toBe(count)
    expect(samePattern(next, highestMask(weights.map(Math.abs), SHAPE, count))).toBe(true)
    mask = next
  }
})

describe('row 15: SRigL', () => {
  it('keeps constant fan-in and the count, and ablates rows', () => {
    let pattern = constantFanInMask([32, 64], 6, 1)
    for (let update = 0; update < 6; update++) {
      const values = normals(192).map((value, i) => (Math.floor(i / 6) % 4 === 0 ? value * 1e-3 : value))
      const gradient = normals(2048).map((slope, i) => (Math.floor(i / 64) % 4 === 0 ? slope * 1e-3 : slope))
      const before = activeRows(pattern).length
      pattern = srigl({ pattern, values }, gradient, { fraction: 0.4 })
      expect(countOf(pattern)).toBe(192)
      const active = activeRows(pattern).length
      expect(fanInOf(pattern) * active).toBe(192)
      expect(active).toBeLessThanOrEqual(before)
    }
    const active = activeRows(pattern).length
    expect(active).toBeLessThan(32)
    // Ablated rows are empty.
    const entries = Array.from({ length: 32 }, (_, row) => pattern.rowOffsets[row + 1] - pattern.rowOffsets[row])
    expect(entries.filter((count) => count === 0)).toHaveLength(32 - active)
  })

  it('refuses a pattern without constant fan-in, takes an empty one', () => {
    const pattern = randomMask([8, 8], 13, 1)
    expect(() => srigl({ pattern, values: normals(13) }, normals(64), { fraction: 0.1 })).toThrow(/active row/)
    const empty = randomMask([8, 8], 0, 1)
    expect(srigl({ pattern: empty, values: [] }, normals(64), { fraction: 0.1 })).toBe(empty)
  })

  it('the condensed product is the masked dense one', () => {
    const pattern = constantFanInMask([5, 12], 4, 2)
    const rows = [0, 2, 3]
    const positions = [...positionsOf(pattern)].filter((at) => rows.includes(Math.floor(at / 12)))
    const dense = new Float32Array(60)
    for (const at of positions) dense[at] = random.normal()
    const w = csr.fromDense(dense, [5, 12])
    const condensed = condense(w)
    expect([...condensed.activeRows]).toEqual(rows)
    const x = tensor(normals(36), [3, 12])
    const y = condensedLinear(x, condensed)
    for (let token = 0; token < 3; token++) {
      for (let row = 0; row < 5; row++) {
        let sum = 0
        for (let i = 0; i < 12; i++) sum += dense[row * 12 + i] * x.data[token * 12 + i]
        expect(y.data[token * 5 + row]).toBeCloseTo(sum, 5)
      }
    }
    expect(() => condensedLinear(tensor(normals(9), [3, 3]), condensed)).toThrow(/3 columns/)
  })
})
