import { setTimeout as pause } from 'node:timers/promises'
import { wasmMemory } from '@nnz/core'
import { describe, expect, it } from 'vitest'
import { type Csr, csr, js, spmm, tensor, wasm, zeros } from '../src/index.ts'

const memory = wasmMemory()

function weights(): Csr {
  const dense = Float32Array.from({ length: 32 * 48 }, (_, i) => (i % 5 === 0 ? i + 1 : 0))
  return csr.fromDense(dense, [32, 48])
}

const x = tensor(new Float32Array(48 * 8).fill(1), [48, 8])

async function settled(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc!()
    await pause(10)
  }
  return process.memoryUsage().heapUsed
}

describe('10,000 plans', () => {
  it.each([
    ['wasm', wasm],
    ['js', js],
  ] as const)(
    'made, run and disposed on %s leave neither heap nor WASM memory larger',
    async (_, backend) => {
      const w = weights()
      const cycle = (count: number) => {
        for (let i = 0; i < count; i++) {
          const plan = spmm.plan(i % 2 ? w : weights(), { columns: 8, backend })
          if (i % 50 === 0) plan.run(x)
          if (i % 100 === 0) plan.updateValues(w.values)
          plan.dispose()
        }
      }
      cycle(500)
      const heap = await settled()
      const used = memory.used
      const bytes = memory.memory.buffer.byteLength
      cycle(10_000)
      expect(memory.used).toBe(used)
      expect(memory.memory.buffer.byteLength).toBe(bytes)
      // 10,000 plans that leak anything would leave more than 100 bytes each.
      expect((await settled()) - heap).toBeLessThan(1_000_000)
    },
    60_000,
  )

  it('a plan that memory has no room for says so, and leaves others their workspace', () => {
    const w = weights()
    const plan = spmm.plan(w, { columns: 8, backend: wasm })
    const expected = [...plan.run(x).data]
    const used = memory.used
    expect(() => spmm.plan(weights(), { columns: 2 ** 29, backend: wasm })).toThrow(
      expect.objectContaining({ code: 'NNZ_MEMORY', message: expect.stringMatching(/^spmm\.plan: memory: \d+ more/) }),
    )
    expect(memory.used).toBe(used)
    const others = Array.from({ length: 20 }, () => zeros([1000], { backend: wasm }))
    expect([...plan.run(x).data]).toEqual(expected)
    for (const other of others) {
      expect(other.data.every((value) => value === 0)).toBe(true)
      other.dispose()
    }
    plan.dispose()
  })

  it('direct calls release what they packed, also when they fail', () => {
    const w = weights()
    spmm(w, x)
    const used = memory.used
    for (let i = 0; i < 200; i++) {
      spmm(w, x)
      expect(() => spmm(w, x, { out: tensor(new Float32Array(1), [1, 1]) })).toThrow('spmm: out is [1, 1]')
    }
    expect(memory.used).toBe(used)
  })
})

describe('plans that are forgotten', () => {
  it('are finalised', async () => {
    const w = weights()
    // The workspace stays, as large as the largest plan needed it.
    spmm.plan(w, { columns: 64, backend: wasm }).dispose()
    const before = memory.used
    const forget = () => {
      for (let i = 0; i < 100; i++) {
        const plan = spmm.plan(weights(), { columns: 64, backend: wasm })
        plan.run(x)
        if (i % 2) plan.updateValues(w.values)
      }
    }
    forget()
    expect(memory.used).toBeGreaterThan(before)
    for (let i = 0; i < 200 && memory.used > before; i++) await settled()
    expect(memory.used).toBe(before)
  })

  it('do not take with them a packing that another plan holds', async () => {
    const w = weights()
    const kept = spmm.plan(w, { columns: 8, backend: wasm })
    const expected = [...kept.run(x).data]
    const forget = () => {
      for (let i = 0; i < 20; i++) spmm.plan(w, { columns: 8, backend: wasm })
    }
    forget()
    for (let i = 0; i < 5; i++) await settled()
    expect([...kept.run(x).data]).toEqual(expected)
    kept.dispose()
  })
})

describe('runs', () => {
  it('allocate no WASM memory', () => {
    const plan = spmm.plan(weights(), { columns: 64, backend: wasm })
    const out = tensor(new Float32Array(32 * 8), [32, 8])
    const used = memory.used
    for (let i = 0; i < 100; i++) plan.run(x, { out })
    expect(memory.used).toBe(used)
    plan.dispose()
  })
})
