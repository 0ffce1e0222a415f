import { configuration, expectThreads } from '../config.ts'
import { BackendUnavailableError, describe, rangeError, typeError } from '../errors.ts'
import { isNode, mayCompile, wasmFeatures } from '../features.ts'
import { type WasmMemory, wasmMemory } from '../memory/wasm-memory.ts'
import type { BackendTensor, TensorHost } from '../tensor.ts'
import { createPool, type Pool, type Ranges } from '../threads/pool.ts'
import type { Backend } from './backend.ts'
import { compile, hasProvidedModules, type KernelSet, provideModule } from './kernel-set.ts'
import { createWasmTensor } from './wasm-tensor.ts'

/** The variants of the WASM kernels. */
export type WasmVariant = 'simd' | 'relaxed'

/** Microkernels of one set, callable with raw pointers. */
export interface WasmKernels {
  /** Calls an export on the caller's thread. */
  call(name: string, ...args: number[]): void
  /** Calls an export once per range, as `export(...args, begin, end)`, on all threads of the backend. */
  parallel(name: string, args: readonly number[], ranges: Ranges): void
}

/** Gets the name of an export and the milliseconds that a call of it took. */
export type KernelObserver = (name: string, milliseconds: number) => void

/** The WASM backend with a number of threads. */
export interface WasmBackend extends Backend, TensorHost {
  readonly name: 'wasm'
  readonly variant: WasmVariant
  readonly memory: WasmMemory
  kernels(set: KernelSet): WasmKernels
  /** Hears of each call of a microkernel and how long it took, until called with undefined: for benchmarks. */
  observe(listener: KernelObserver | undefined): void
  /** Makes sure that a workspace of so many bytes exists. Called while planning, never while running. */
  reserveWorkspace(bytes: number): void
  /** Address of the workspace: borrowed for the length of one run. */
  readonly workspace: number
}

// One workspace for all backends of this copy of core: CPU runs do not overlap.
const workspace = { address: 0, bytes: 0 }

type Entries = Record<string, (...args: number[]) => void>

function createBackend(variant: WasmVariant, threads: number): WasmBackend & { ready: Promise<void> } {
  const memory = wasmMemory()
  const pool: Pool | undefined = threads > 1 ? createPool(memory, threads) : undefined
  const instances = new Map<string, WasmKernels>()

  let observer: KernelObserver | undefined

  function observed(name: string, run: () => void): void {
    const start = performance.now()
    run()
    observer?.(name, performance.now() - start)
  }

  function instantiate(set: KernelSet): WasmKernels {
    const module = compile(set, variant, memory.shared)
    const instance = new WebAssembly.Instance(module, { env: { memory: memory.memory } })
    const exports = instance.exports as Entries
    const names = Object.keys(exports)
    const number = pool?.register({ module, names, entries: names.map((name) => exports[name]) })
    function parallel(name: string, args: readonly number[], ranges: Ranges): void {
      if (pool && number !== undefined && ranges.length > 2) pool.run(number, name, args, ranges)
      else for (let i = 0; i < ranges.length; i += 2) exports[name](...args, ranges[i], ranges[i + 1])
    }
    return {
      call(name, ...args) {
        if (observer) observed(name, () => exports[name](...args))
        else exports[name](...args)
      },
      parallel(name, args, ranges) {
        if (observer) observed(name, () => parallel(name, args, ranges))
        else parallel(name, args, ranges)
      },
    }
  }

  return {
    name: 'wasm',
    variant,
    threads,
    memory,
    ready: pool?.ready ?? Promise.resolve(),
    allocateTensor: (shape: readonly number[]): BackendTensor => createWasmTensor(memory, shape),
    observe(listener) {
      observer = listener
    },
    kernels(set) {
      let kernels = instances.get(set.name)
      if (!kernels) {
        kernels = instantiate(set)
        instances.set(set.name, kernels)
      }
      return kernels
    },
    reserveWorkspace(bytes) {
      if (bytes <= workspace.bytes) return
      const held = workspace.bytes
      if (held > 0) memory.free(workspace.address)
      workspace.bytes = 0
      try {
        workspace.address = memory.allocate(bytes)
        workspace.bytes = bytes
      } catch (error) {
        // Plans made before count on what there was; it was free a moment ago.
        if (held > 0) workspace.address = memory.allocate(held)
        workspace.bytes = held
        throw error
      }
    },
    get workspace() {
      return workspace.address
    },
  }
}

const backends = new Map<string, ReturnType<typeof createBackend>>()

/** The variant that runs here, or the reason why there is none. */
function usableVariant(): { variant: WasmVariant } | { reason: string } {
  const { wasm: choice } = configuration()
  const features = wasmFeatures()
  if (choice === 'off') return { reason: 'WASM is switched off (NNZ_WASM=off or configure({ wasm: "off" }))' }
  if (!features.simd) return { reason: 'this host has no WebAssembly SIMD' }
  if (choice === 'relaxed' && !features.relaxed) return { reason: 'relaxed SIMD was asked for and this host has none' }
  if (!mayCompile() && !hasProvidedModules())
    return { reason: 'this host forbids compiling WebAssembly bytes, and wasm.load was given no modules' }
  return { variant: choice === 'base' || !features.relaxed ? 'simd' : 'relaxed' }
}

function open(threads: number): ReturnType<typeof createBackend> {
  const usable = usableVariant()
  if ('reason' in usable)
    throw new BackendUnavailableError(`wasm: ${usable.reason}; use the js backend or run elsewhere`)
  const key = `${usable.variant}/${threads}`
  let backend = backends.get(key)
  if (!backend) {
    backend = createBackend(usable.variant, threads)
    backends.set(key, backend)
  }
  return backend
}

/** The threads of the default backend: as configured, but a browser must have asked with `wasm.threads` first. */
function defaultThreads(): number {
  const { threads } = configuration()
  return threads > 1 &&
    wasmFeatures().threads &&
    (isNode() || backends.has(`relaxed/${threads}`) || backends.has(`simd/${threads}`))
    ? threads
    : 1
}

/** Whether WASM kernels run here; a string says why not. */
export function wasmSupport(): true | string {
  const usable = usableVariant()
  return 'reason' in usable ? usable.reason : true
}

/**
 * The WASM backend. `wasm` itself runs on one thread (or on NNZ_THREADS);
 * `await wasm.threads(n)` is a backend with n threads; `wasm.load(set, key, module)` takes a module that the host
 * compiled, where compiling bytes is forbidden.
 */
export const wasm = {
  name: 'wasm' as const,
  get variant(): WasmVariant {
    return this.open().variant
  },
  get threadCount(): number {
    return defaultThreads()
  },
  /** The backend itself, made at first use. Throws BackendUnavailableError where there is none. */
  open(): WasmBackend {
    return open(defaultThreads())
  },
  allocateTensor(shape: readonly number[]): BackendTensor {
    return this.open().allocateTensor(shape)
  },
  /**
   * A backend with `count` threads, the caller's included, once all of them have started.
   *
   * @throws RangeError if `count` is not in 1..64
   * @throws BackendUnavailableError where memory cannot be shared: a page needs cross-origin isolation (COOP and COEP)
   */
  async threads(count: number): Promise<WasmBackend> {
    expectThreads(count, 'wasm.threads')
    if (count > 1 && !wasmFeatures().threads) {
      throw new BackendUnavailableError(
        'wasm.threads: this host cannot share memory between threads; a page needs the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp',
      )
    }
    const backend = open(count)
    await backend.ready
    return backend
  },
  /**
   * Takes a compiled module of a package's kernels (its `./wasm/<variant>.wasm` export), for hosts that forbid compiling bytes.
   *
   * @param set the package's set: `core`, `spmm`, …
   * @param key the file's base name: `simd`, `relaxed`, `simd-shared` or `relaxed-shared`
   */
  load(set: string, key: string, module: WebAssembly.Module): void {
    if (!(module instanceof WebAssembly.Module))
      throw typeError('NNZ_TYPE', `wasm.load: expected a WebAssembly.Module, got ${describe(module)}`)
    if (!['simd', 'relaxed', 'simd-shared', 'relaxed-shared'].includes(key)) {
      throw rangeError(
        'NNZ_VALUE',
        `wasm.load: expected "simd", "relaxed", "simd-shared" or "relaxed-shared", got ${describe(key)}`,
      )
    }
    provideModule(set, key, module)
  },
}
