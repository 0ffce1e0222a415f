import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAllocator } from '../src/memory/allocator.ts'

const seed = Number(process.env.NNZ_TEST_SEED ?? Date.now() % 2 ** 31)

/** What the allocator must do, kept as a list of ranges. */
class Model {
  readonly start: number
  end: number
  readonly used = new Map<number, number>()

  constructor(start: number, end: number) {
    this.start = start
    this.end = end
  }

  check(address: number, bytes: number): void {
    expect(address % 64).toBe(0)
    expect(address).toBeGreaterThanOrEqual(this.start)
    expect(address + bytes).toBeLessThanOrEqual(this.end)
    for (const [other, size] of this.used) expect(address + bytes <= other || other + size <= address).toBe(true)
  }
}

describe('allocator', () => {
  it(`hands out disjoint aligned ranges and forgets nothing (NNZ_TEST_SEED=${seed})`, () => {
    const action = fc.oneof(
      fc.record({ bytes: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 9000 })) }),
      fc.record({ free: fc.nat() }),
    )
    fc.assert(
      fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
        const model = new Model(1024, 4096)
        let growths = 0
        const allocator = createAllocator(model.start, model.end, (bytes) => {
          growths++
          model.end += Math.ceil(bytes / 4096) * 4096
          return model.end
        })
        for (const step of actions) {
          if ('bytes' in step) {
            const address = allocator.allocate(step.bytes)
            model.check(address, step.bytes)
            model.used.set(address, step.bytes)
          } else if (model.used.size > 0) {
            const address = [...model.used.keys()][step.free % model.used.size]
            allocator.free(address)
            model.used.delete(address)
          }
          const rounded = [...model.used.values()].reduce(
            (sum, size) => sum + Math.max(64, Math.ceil(size / 64) * 64),
            0,
          )
          expect(allocator.used).toBe(rounded)
        }
        for (const address of model.used.keys()) allocator.free(address)
        expect(allocator.used).toBe(0)
        // Everything has merged again: the whole range is there in one piece, without growing.
        const before = growths
        expect(allocator.allocate(model.end - model.start)).toBe(model.start)
        expect(growths).toBe(before)
      }),
      { seed, numRuns: 300 },
    )
  })

  it('takes the tightest gap, so that large ones stay', () => {
    const allocator = createAllocator(0, 64 * 100, () => Number.NaN)
    const [a, , b] = [
      allocator.allocate(64 * 10),
      allocator.allocate(64),
      allocator.allocate(64 * 2),
      allocator.allocate(64),
    ]
    allocator.free(a)
    allocator.free(b)
    expect(allocator.allocate(128)).toBe(b)
  })

  it('refuses to free twice, or what it never handed out', () => {
    const allocator = createAllocator(64, 4096, () => Number.NaN)
    const address = allocator.allocate(100)
    allocator.free(address)
    const failure = expect.objectContaining({
      name: 'RangeError',
      code: 'NNZ_MEMORY',
      message: expect.stringContaining(String(address)),
    })
    expect(() => allocator.free(address)).toThrow(failure)
    expect(() => allocator.free(7)).toThrow('7 was not allocated')
  })

  it('stays as it was when growing fails', () => {
    const allocator = createAllocator(64, 4096, () => {
      throw new RangeError('no more')
    })
    const kept = allocator.allocate(1000)
    expect(() => allocator.allocate(10_000)).toThrow('no more')
    expect(allocator.used).toBe(1024)
    expect(allocator.allocate(1000)).not.toBe(kept)
  })
})
