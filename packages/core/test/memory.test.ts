import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { wasm } from '../src/backends/wasm.ts'
import { gemm } from '../src/gemm/gemm.ts'
import { wasmMemory } from '../src/memory/wasm-memory.ts'
import { overlaps, tensor, zeros } from '../src/tensor.ts'

const KEY = Symbol.for('@nnz/core/memory')
const realm = globalThis as unknown as Record<symbol, unknown>

/** Collects garbage until finalisers have brought `value()` down to `limit`, at most for some seconds. */
async function collect(value: () => number, limit: number): Promise<number> {
  for (let i = 0; i < 100 && value() > limit; i++) {
    globalThis.gc!()
    await pause(20)
  }
  return value()
}

describe('WASM tensors', () => {
  const memory = wasmMemory()

  it('give their memory back on dispose, and throw when used afterwards', () => {
    const before = memory.used
    const x = zeros([100, 100], { backend: wasm })
    expect(memory.used).toBeGreaterThanOrEqual(before + 40_000)
    x.dispose()
    x.dispose()
    expect(memory.used).toBe(before)
    const failure = expect.objectContaining({
      name: 'TypeError',
      code: 'NNZ_DISPOSED',
      message: expect.stringContaining('[100, 100]'),
    })
    expect(() => x.data).toThrow(failure)
  })

  it('are zero even where memory was used before', () => {
    const x = zeros([1000], { backend: wasm })
    x.data.fill(3)
    x.dispose()
    const y = zeros([1000], { backend: wasm })
    expect(y.data.every((v) => v === 0)).toBe(true)
    y.dispose()
  })

  it('keep their elements when memory grows', () => {
    const x = zeros([8], { backend: wasm })
    x.data.set([1, 2, 3, 4, 5, 6, 7, 8])
    const old = x.data
    const size = memory.memory.buffer.byteLength
    const large = zeros([size], { backend: wasm })
    expect(memory.memory.buffer.byteLength).toBeGreaterThan(size)
    expect([...x.data]).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    // A view from before growth shows the same bytes where memory is shared: overlap is still seen.
    expect(memory.shared).toBe(true)
    expect(overlaps(tensor(old, [8]), x)).toBe(true)
    expect(memory.f32.length).toBe(memory.memory.buffer.byteLength / 4)
    large.dispose()
    x.dispose()
  })

  it('are released when forgotten, but not while a view is held', async () => {
    await collect(() => memory.used, 0)
    const before = memory.used
    let view: Float32Array | undefined
    const make = () => {
      view = zeros([5000], { backend: wasm }).data
      view[4999] = 42
      for (let i = 0; i < 50; i++) zeros([1000], { backend: wasm })
    }
    make()
    expect(memory.used).toBeGreaterThan(before + 200_000)
    const held = before + 20_032
    expect(await collect(() => memory.used, held)).toBeLessThanOrEqual(held)
    expect(memory.used).toBeGreaterThan(before)
    expect(view![4999]).toBe(42)
    view = undefined
    expect(await collect(() => memory.used, before)).toBe(before)
  })

  it('fail with a code when memory is exhausted, and leave it usable', () => {
    const before = memory.used
    expect(() => zeros([2 ** 30 + 1], { backend: wasm })).toThrow(
      expect.objectContaining({
        name: 'RangeError',
        code: 'NNZ_MEMORY',
        message: expect.stringMatching(/^zeros: memory: \d+ more bytes do not fit/),
      }),
    )
    expect(() => gemm.plan(tensor([1, 2], [1, 2]), { columns: 2 ** 31, backend: wasm })).toThrow(
      expect.objectContaining({ code: 'NNZ_MEMORY', message: expect.stringMatching(/^gemm\.plan: memory: /) }),
    )
    expect(memory.used).toBe(before)
    zeros([10], { backend: wasm }).dispose()
  })
})

describe('copies of core in one realm', () => {
  const own = realm[KEY]
  afterEach(() => {
    realm[KEY] = own
    vi.resetModules()
  })

  it('share one memory', async () => {
    vi.resetModules()
    const copy = await import('../src/index.ts')
    expect(copy.wasm).not.toBe(wasm)
    expect(copy.wasmMemory()).toBe(wasmMemory())
    const x = zeros([4, 4], { backend: wasm })
    const y = copy.zeros([4, 4], { backend: copy.wasm })
    expect(x.data.buffer).toBe(y.data.buffer)
    expect(x.data.byteOffset).not.toBe(y.data.byteOffset)
    // A tensor of one copy is an operand of the other.
    x.data.fill(2)
    y.data.fill(3)
    expect([...copy.gemm(x, y).data]).toEqual(new Array(16).fill(24))
    x.dispose()
    y.dispose()
  })

  it('refuse to meet with another layout of the record', async () => {
    realm[KEY] = { ...wasmMemory(), abi: 999 }
    expect(() => wasmMemory()).toThrow(
      expect.objectContaining({
        name: 'BackendUnavailableError',
        code: 'NNZ_ABI',
        message: expect.stringMatching(/ABI 1.*999/),
      }),
    )
  })

  it('halve a maximum that the host refuses', async () => {
    const { Memory } = WebAssembly
    const asked: number[] = []
    delete realm[KEY]
    vi.stubGlobal('WebAssembly', {
      ...Object.fromEntries(Object.getOwnPropertyNames(WebAssembly).map((name) => [name, WebAssembly[name as never]])),
      Memory: class extends Memory {
        constructor(descriptor: WebAssembly.MemoryDescriptor) {
          asked.push(descriptor.maximum!)
          if (descriptor.maximum! > 16384) throw new RangeError('too large')
          super(descriptor)
        }
      },
    })
    vi.resetModules()
    const copy = await import('../src/index.ts')
    copy.wasmMemory()
    vi.unstubAllGlobals()
    expect(asked).toEqual([65536, 32768, 16384])
  })
})
