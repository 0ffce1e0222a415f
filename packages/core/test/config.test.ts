import { beforeEach, describe, expect, it, vi } from 'vitest'

const KEY = Symbol.for('@nnz/core/memory')

/** A fresh copy of core in a realm where nothing ran yet. */
async function fresh(env: Record<string, string> = {}) {
  delete (globalThis as unknown as Record<symbol, unknown>)[KEY]
  vi.resetModules()
  vi.unstubAllEnvs()
  for (const [name, value] of Object.entries({ NNZ_WASM: '', NNZ_THREADS: '', ...env })) vi.stubEnv(name, value)
  return await import('../src/index.ts')
}

beforeEach(() => {
  vi.unstubAllGlobals()
})

describe('environment', () => {
  it.each([
    ['', { variant: 'relaxed' }],
    ['relaxed', { variant: 'relaxed' }],
    ['base', { variant: 'simd' }],
  ])('NNZ_WASM="%s"', async (value, expected) => {
    const { wasm, wasmFeatures } = await fresh({ NNZ_WASM: value })
    if (!wasmFeatures().relaxed) expected.variant = 'simd'
    expect(wasm.open()).toMatchObject({ name: 'wasm', threads: 1, ...expected })
  })

  it('NNZ_WASM=off leaves plain JS', async () => {
    const { gemm, js, resolveBackend, tensor, wasm, wasmSupport } = await fresh({ NNZ_WASM: 'off' })
    expect(wasmSupport()).toContain('NNZ_WASM=off')
    expect(resolveBackend(undefined)).toBe(js)
    expect(gemm(tensor([2], [1, 1]), tensor([3], [1, 1])).data[0]).toBe(6)
    expect(() => wasm.open()).toThrow(expect.objectContaining({ name: 'BackendUnavailableError', code: 'NNZ_BACKEND' }))
    expect(() => gemm(tensor([2], [1, 1]), tensor([3], [1, 1]), { backend: wasm })).toThrow('use the js backend')
  })

  it('NNZ_THREADS=3 gives the default backend three threads', async () => {
    const { wasm } = await fresh({ NNZ_THREADS: '3' })
    expect(wasm.threadCount).toBe(3)
    const backend = await wasm.threads(3)
    expect(wasm.open()).toBe(backend)
  })

  it.each([
    [{ NNZ_WASM: 'fast' }, 'NNZ_WASM: expected "base", "relaxed" or "off", got "fast"'],
    [{ NNZ_WASM: 'RELAXED' }, 'NNZ_WASM'],
    [{ NNZ_THREADS: 'two' }, 'NNZ_THREADS: expected a whole number of threads from 1 to 64, got NaN'],
    [{ NNZ_THREADS: '0' }, 'NNZ_THREADS'],
    [{ NNZ_THREADS: '65' }, 'NNZ_THREADS'],
    [{ NNZ_THREADS: '1.5' }, 'NNZ_THREADS'],
  ])('%o is refused by name', async (env, message) => {
    const { gemm, tensor } = await fresh(env as Record<string, string>)
    const call = () => gemm(tensor([2], [1, 1]), tensor([3], [1, 1]))
    expect(call).toThrow(
      expect.objectContaining({ name: 'RangeError', code: 'NNZ_VALUE', message: expect.stringContaining(message) }),
    )
  })
})

describe('configure', () => {
  it('wins over the environment', async () => {
    const { configure, wasm } = await fresh({ NNZ_WASM: 'off', NNZ_THREADS: '7' })
    configure({ wasm: 'base', threads: 2 })
    expect(wasm.open()).toMatchObject({ variant: 'simd', threads: 2 })
  })

  it('keeps the environment for what it does not set', async () => {
    const { configure, wasm } = await fresh({ NNZ_WASM: 'base' })
    configure({ wasm: undefined })
    expect(wasm.open().variant).toBe('simd')
  })

  it('comes too late after the first operation', async () => {
    const { configure, wasm } = await fresh()
    wasm.open()
    expect(() => configure({ wasm: 'off' })).toThrow(expect.objectContaining({ name: 'TypeError', code: 'NNZ_TYPE' }))
  })

  it.each([
    [null, TypeError, 'NNZ_TYPE'],
    ['base', TypeError, 'NNZ_TYPE'],
    [{ wasm: 5 }, TypeError, 'NNZ_TYPE'],
    [{ wasm: 'simd' }, RangeError, 'NNZ_VALUE'],
    [{ threads: '2' }, TypeError, 'NNZ_TYPE'],
    [{ threads: 0 }, RangeError, 'NNZ_VALUE'],
    [{ wasm: 'base', threads: 65 }, RangeError, 'NNZ_VALUE'],
  ])('refuses %o and changes nothing', async (settings, kind, code) => {
    const { configure, wasm, wasmFeatures } = await fresh()
    expect(() => configure(settings as never)).toThrow(kind)
    expect(() => configure(settings as never)).toThrow(expect.objectContaining({ code }))
    expect(wasm.open()).toMatchObject({ variant: wasmFeatures().relaxed ? 'relaxed' : 'simd', threads: 1 })
  })

  it('wasm.threads checks its count', async () => {
    const { wasm } = await fresh()
    await expect(wasm.threads(0)).rejects.toThrow(expect.objectContaining({ code: 'NNZ_VALUE' }))
    await expect(wasm.threads('2' as never)).rejects.toThrow(expect.objectContaining({ code: 'NNZ_TYPE' }))
  })
})

describe('loader', () => {
  const forbid = () => {
    const names = Object.getOwnPropertyNames(WebAssembly) as (keyof typeof WebAssembly)[]
    const Real = WebAssembly.Module
    const Module = function Module() {
      throw new WebAssembly.CompileError('forbidden by the content policy')
    } as unknown as typeof WebAssembly.Module
    Object.defineProperty(Module, Symbol.hasInstance, { value: (value: unknown) => value instanceof Real })
    vi.stubGlobal('WebAssembly', { ...Object.fromEntries(names.map((name) => [name, WebAssembly[name]])), Module })
  }
  const one = <T>(tensor: (data: number[], shape: number[]) => T) => [tensor([2], [1, 1]), tensor([3], [1, 1])] as const

  it('falls back to plain JS where compiling is forbidden', async () => {
    forbid()
    const { gemm, js, resolveBackend, tensor, wasm, wasmSupport } = await fresh()
    expect(wasmSupport()).toContain('forbids compiling')
    expect(resolveBackend(undefined)).toBe(js)
    expect(gemm(...one(tensor)).data[0]).toBe(6)
    expect(() => gemm(...one(tensor), { backend: wasm })).toThrow(
      expect.objectContaining({
        name: 'BackendUnavailableError',
        code: 'NNZ_BACKEND',
        message: expect.stringContaining('wasm.load'),
      }),
    )
  })

  it('takes modules that the host compiled', async () => {
    const { binaries } = await import('../src/generated/wasm.ts')
    const modules = Object.entries(binaries).map(
      ([key, base64]) => [key, new WebAssembly.Module(Buffer.from(base64, 'base64'))] as const,
    )
    forbid()
    const { gemm, tensor, wasm, wasmSupport } = await fresh()
    for (const [key, module] of modules) wasm.load('core', key, module)
    expect(wasmSupport()).toBe(true)
    const plan = gemm.plan(tensor([2], [1, 1]), { columns: 1 })
    expect(plan.explain().backend).toBe('wasm')
    expect(plan.run(tensor([3], [1, 1])).data[0]).toBe(6)
    // A set that was not provided is named, with what to do.
    const set = { name: 'other', hash: '', binaries: binaries as never }
    expect(() => wasm.open().kernels(set)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/wasm\.load\('other', '[a-z-]+', module\)/) }),
    )
  })

  it('runs without SIMD and without WebAssembly at all', async () => {
    vi.stubGlobal('WebAssembly', { ...WebAssembly, Module: WebAssembly.Module, validate: () => false })
    const without = await fresh()
    expect(without.wasmSupport()).toContain('no WebAssembly SIMD')
    vi.stubGlobal('WebAssembly', undefined)
    const none = await fresh()
    expect(none.wasmFeatures()).toMatchObject({ simd: false, relaxed: false })
    expect(none.gemm(...one(none.tensor)).data[0]).toBe(6)
  })

  it.each([
    ['core', 'relaxed', {}, TypeError, 'NNZ_TYPE'],
    ['core', 'avx', undefined, RangeError, 'NNZ_VALUE'],
  ])('wasm.load(%o, %o, %o) is refused', async (set, key, module, kind, code) => {
    const { wasm } = await fresh()
    const given = module ?? new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))
    expect(() => wasm.load(set, key, given as never)).toThrow(kind)
    expect(() => wasm.load(set, key, given as never)).toThrow(expect.objectContaining({ code }))
  })
})
