import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Chooser } from '../src/selection/budget.ts'

/** Whole numbers, so that sums are exact; many are equal. */
const rows = fc.record({
  values: fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 80 }),
  before: fc.nat(5),
  required: fc.array(fc.tuple(fc.integer({ min: -3, max: 80 }), fc.integer({ min: 0, max: 90 })), { maxLength: 2 }),
  topK: fc.option(fc.integer({ min: 1, max: 90 }), { nil: undefined }),
  density: fc.option(fc.constantFrom(0, 0.125, 0.5, 1), { nil: undefined }),
  threshold: fc.option(fc.constantFrom(0, 0.25, 0.5, 0.75, 1), { nil: undefined }),
})

describe('Chooser', () => {
  it('takes what is required, then the largest, of equal ones the first, until a limit is reached', () => {
    fc.assert(
      fc.property(rows, ({ values, before, required, topK, density, threshold }) => {
        const chooser = new Chooser({ topK, density, threshold }, values.length)
        chooser.choose(new Float32Array([...Array(before).fill(99), ...values]), before, values.length, required)
        const isRequired = (i: number) => required.some(([begin, end]) => i >= begin && i < end)
        const order = [...values.keys()].sort(
          (a, b) => Number(isRequired(b)) - Number(isRequired(a)) || values[b] - values[a] || a - b,
        )
        const forced = order.filter(isRequired).length
        const total = values.reduce((sum, x) => sum + x, 0)
        const taken: number[] = []
        let sum = 0
        for (const i of order) {
          const free = taken.length >= forced
          if (free && topK !== undefined && taken.length >= topK) break
          if (free && density !== undefined && taken.length >= Math.ceil(density * values.length)) break
          if (free && threshold !== undefined && threshold < 1 && sum >= threshold * total) break
          taken.push(i)
          sum += values[i]
        }
        expect([...chooser.chosen.subarray(0, chooser.count)]).toEqual(taken.sort((a, b) => a - b))
      }),
      { numRuns: 500 },
    )
  })

  it('serves row after row, also with numbers that are none', () => {
    const chooser = new Chooser({ topK: 2 }, 4)
    const choose = (...values: number[]) => {
      chooser.choose(Float32Array.from(values), 0, values.length, [])
      return [...chooser.chosen.subarray(0, chooser.count)]
    }
    expect(choose(1, 4, 3, 2)).toEqual([1, 2])
    expect(choose(Number.NaN, 1, Number.NEGATIVE_INFINITY, Number.NaN)).toEqual([0, 1])
    expect(choose(Number.POSITIVE_INFINITY, 1, Number.POSITIVE_INFINITY, 5)).toEqual([0, 2])
    expect(choose(7)).toEqual([0])
    expect(choose()).toEqual([])
  })

  it('knows no sum of NaN, which no threshold limits then', () => {
    const choose = (budget: ConstructorParameters<typeof Chooser>[0]) => {
      const chooser = new Chooser(budget, 4)
      chooser.choose(Float32Array.of(0.5, Number.NaN, 0.25, 0.25), 0, 4, [[2, 3]])
      return [...chooser.chosen.subarray(0, chooser.count)]
    }
    expect(choose({ threshold: 0.1 })).toEqual([0, 1, 2, 3])
    expect(choose({ threshold: 0.1, topK: 2 })).toEqual([0, 2])
  })
})
