import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { balancedRanges } from '../src/backends/workspace.ts'
import { wasmMemory } from '../src/memory/wasm-memory.ts'
import { createPool } from '../src/threads/pool.ts'
import { MARK_AND_TRAP } from './pool-module.ts'

const memory = wasmMemory()

/** A set with `mark(base, value, begin, end)`: writes value at base + 4 i for i in begin..end, and `trap(begin, end)`. */
function testSet() {
  const module = new WebAssembly.Module(MARK_AND_TRAP)
  const exports = new WebAssembly.Instance(module, { env: { memory: memory.memory } }).exports as Record<
    string,
    (...args: number[]) => void
  >
  const names = Object.keys(exports)
  return { module, names, entries: names.map((name) => exports[name]) }
}

describe('pool', () => {
  it('runs every part exactly once, on all of its threads', async () => {
    const pool = createPool(memory, 3)
    const set = pool.register(testSet())
    await pool.ready
    const base = memory.allocate(4 * 1000)
    const words = () => memory.i32.subarray(base / 4, base / 4 + 1000)
    words().fill(0)
    for (let round = 1; round <= 200; round++) {
      const parts = 1 + (round % 7)
      const ranges = Array.from({ length: parts }, (_, i) => [
        Math.floor((1000 * i) / parts),
        Math.floor((1000 * (i + 1)) / parts),
      ]).flat()
      pool.run(set, 'mark', [base, round], ranges)
      // Each part adds its round to its range: nothing is missing or done twice.
      expect(words().every((word) => word === (round * (round + 1)) / 2)).toBe(true)
    }
    pool.close()
    memory.free(base)
  })

  it('works before its workers have started, and knows sets registered later', async () => {
    const pool = createPool(memory, 2)
    const first = pool.register(testSet())
    const base = memory.allocate(400)
    const words = () => [...memory.i32.subarray(base / 4, base / 4 + 100)]
    memory.i32.fill(0, base / 4, base / 4 + 100)
    pool.run(first, 'mark', [base, 5], [0, 50, 50, 100])
    expect(words()).toEqual(new Array(100).fill(5))
    await pool.ready
    const second = pool.register(testSet())
    for (let i = 0; i < 20; i++) pool.run(second, 'mark', [base, 1], [0, 30, 30, 60, 60, 100])
    expect(words()).toEqual(new Array(100).fill(25))
    pool.close()
    memory.free(base)
  })

  it('surfaces a trap and goes on working', async () => {
    const pool = createPool(memory, 2)
    const set = pool.register(testSet())
    await pool.ready
    const base = memory.allocate(400)
    memory.i32.fill(0, base / 4, base / 4 + 100)
    for (let i = 1; i <= 10; i++) {
      expect(() => pool.run(set, 'trap', [], [0, 1, 1, 2, 2, 3, 3, 4])).toThrow('trapped')
      pool.run(set, 'mark', [base, 1], [0, 50, 50, 100])
      expect(memory.i32[base / 4 + 99]).toBe(i)
    }
    pool.close()
    memory.free(base)
  })

  it('refuses what does not fit into its control block', () => {
    const pool = createPool(memory, 2)
    const set = pool.register(testSet())
    expect(() => pool.run(set, 'nothing', [], [0, 1, 1, 2])).toThrow('nothing')
    expect(() => pool.run(set, 'mark', new Array(100).fill(0), [0, 1])).toThrow('100 arguments')
    expect(() => pool.run(set, 'mark', [0, 0], new Array(1000).fill(0))).toThrow('500 parts')
    pool.close()
  })
})

describe('a process with parked workers', () => {
  const run = async (script: string) => {
    const core = new URL('../src/index.ts', import.meta.url).href
    const code = `import { gemm, tensor, wasm } from '${core}'\n${script}`
    return await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
      timeout: 20_000,
      env: { ...process.env, NODE_OPTIONS: '' },
    })
  }
  const product = `const a = tensor(new Float32Array(64 * 64).fill(1), [64, 64]); console.log(gemm(a, a, { backend }).data[0])`

  it('ends by itself', async () => {
    const { stdout } = await run(`const backend = await wasm.threads(3); ${product}`)
    expect(stdout.trim()).toBe('64')
  })

  it('ends by itself when NNZ_THREADS chose the threads and nobody waited for them', async () => {
    const { stdout } = await run(`process.env.NNZ_THREADS = '2'; const backend = undefined; ${product}`)
    expect(stdout.trim()).toBe('64')
  })
})

describe('balancedRanges', () => {
  const weights = (count: number, weight: (i: number) => number) => Array.from({ length: count }, (_, i) => weight(i))

  it.each([
    ['equal', 100, 4, () => 1],
    ['one heavy unit', 50, 3, (i: number) => (i === 20 ? 1000 : 1)],
    ['all weight at the end', 50, 4, (i: number) => (i === 49 ? 100 : 0)],
    ['no weight', 10, 4, () => 0],
    ['fewer units than parts', 2, 8, () => 1],
    ['no units', 0, 4, () => 1],
  ])('%s: ranges follow each other, cover everything, and are not more than asked for', (_, count, parts, weight) => {
    const ranges = balancedRanges(count, parts, weight)
    expect(ranges.length / 2).toBeLessThanOrEqual(parts)
    let next = 0
    for (let i = 0; i < ranges.length; i += 2) {
      expect(ranges[i]).toBe(next)
      expect(ranges[i + 1]).toBeGreaterThan(ranges[i])
      next = ranges[i + 1]
    }
    expect(next).toBe(count)
    const total = weights(count, weight).reduce((sum, w) => sum + w, 0)
    const heaviest = Math.max(0, ...weights(count, weight))
    for (let i = 0; i < ranges.length; i += 2) {
      const sum = weights(count, weight)
        .slice(ranges[i], ranges[i + 1])
        .reduce((s, w) => s + w, 0)
      expect(sum).toBeLessThanOrEqual(total / parts + heaviest)
    }
  })
})
