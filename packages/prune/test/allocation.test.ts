import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countKept, countsByMagnitude, countsBySensitivity, countsByShape, keptOf, magnitude } from '../src/index.ts'
import { randomLayer, sum } from './support/layers.ts'

const layers = [randomLayer(16, 16, 1), randomLayer(64, 16, 2), randomLayer(3, 100, 3)]
const places = layers.map(({ weights }) => weights.length)

describe.each(['uniform', 'erk'] as const)('%s allocation', (rule) => {
  it.each([0, 0.1, 0.5, 0.777, 0.95, 1])('has the exact total at sparsity %s', (sparsity) => {
    const counts = countsByShape(layers, sparsity, rule)
    expect(sum(counts)).toBe(keptOf(sum(places), sparsity))
    counts.forEach((count, i) => {
      expect(count).toBeLessThanOrEqual(places[i])
    })
  })

  it('refuses sparsities that are none', () => {
    expect(() => countsByShape(layers, -0.1, rule)).toThrow('expected a sparsity in 0..1, got -0.1')
  })
})

it('erk gives layers densities in the proportion of (rows + columns) / (rows · columns)', () => {
  const counts = countsByShape(layers, 0.95, 'erk')
  const factors = layers.map(({ rows, columns }, i) => counts[i] / (rows + columns))
  for (const factor of factors) expect(factor).toBeCloseTo(factors[0], 1)
})

describe('allocation by magnitude', () => {
  it('together with magnitude removes the smallest of all layers', () => {
    const scaled = layers.map(({ weights, ...shape }, i) => ({ ...shape, weights: weights.map((w) => w * (i + 1)) }))
    const counts = countsByMagnitude(scaled, 0.8)
    const pruned = scaled.map((layer, i) => magnitude(layer, { kept: counts[i] }))
    const sizes = (kept: number) =>
      pruned.flatMap(({ mask }, l) => [...scaled[l].weights].map(Math.abs).filter((_, i) => mask[i] === kept))
    expect(Math.max(...sizes(0))).toBeLessThanOrEqual(Math.min(...sizes(1)))
    expect(sum(pruned.map(({ mask }) => countKept(mask)))).toBe(keptOf(sum(places), 0.8))
    expect(counts[2] / places[2]).toBeGreaterThan(2 * (counts[0] / places[0]))
  })

  it('takes equal ones from the first layers on', () => {
    const ones = () => ({ rows: 2, columns: 2, weights: new Float32Array(4).fill(1) })
    expect(countsByMagnitude([ones(), ones(), ones()], 0.5)).toEqual([4, 2, 0])
    expect(countsByMagnitude([ones()], 1)).toEqual([0])
  })
})

describe('allocation by sensitivity', () => {
  it('puts entries where they save most, with the exact total', () => {
    const gentle = {
      places: 100,
      points: [
        { kept: 20, error: 0.05 },
        { kept: 50, error: 0.01 },
      ],
    }
    const steep = {
      places: 100,
      points: [
        { kept: 50, error: 0.6 },
        { kept: 80, error: 0.2 },
      ],
    }
    expect(countsBySensitivity([gentle, steep], 120)).toEqual([20, 100])
    expect(countsBySensitivity([gentle, steep], 0)).toEqual([0, 0])
    expect(countsBySensitivity([gentle, steep], 200)).toEqual([100, 100])
    expect(countsBySensitivity([gentle, gentle], 40)).toEqual([20, 20])
  })

  it('has no larger sum of errors than any other division, on convex curves', () => {
    const curve = fc
      .tuple(fc.integer({ min: 1, max: 12 }), fc.double({ min: 1, max: 6, noNaN: true }))
      .map(([size, power]) => ({
        places: size,
        points: Array.from({ length: size + 1 }, (_, kept) => ({ kept, error: (1 - kept / size) ** power })),
      }))
    fc.assert(
      fc.property(curve, curve, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, density) => {
        const total = Math.round((a.places + b.places) * density)
        const counts = countsBySensitivity([a, b], total)
        expect(sum(counts)).toBe(total)
        const cost = (i: number) => a.points[i].error + b.points[total - i].error
        for (let i = Math.max(0, total - b.places); i <= Math.min(a.places, total); i++)
          expect(cost(counts[0])).toBeLessThanOrEqual(cost(i) + 1e-9)
      }),
    )
  })

  it('refuses totals and points that are out of range', () => {
    expect(() => countsBySensitivity([{ places: 4, points: [] }], 5)).toThrow('expected a whole total in 0..4, got 5')
    const wrong = { places: 4, points: [{ kept: 5, error: 0 }] }
    expect(() => countsBySensitivity([wrong], 1)).toThrow('layer 0: expected 0..4 kept and an error from 0 on, got 5')
  })
})
