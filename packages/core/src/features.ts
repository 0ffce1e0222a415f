/** What this host's WebAssembly can do. */
export interface WasmFeatures {
  /** 128-bit SIMD. */
  readonly simd: boolean
  /** Relaxed SIMD: fused multiply-add, int8 dot product. */
  readonly relaxed: boolean
  /** Shared memory and atomics: what threads need. A browser must also be cross-origin isolated. */
  readonly threads: boolean
}

// (module (func (result v128) i32.const 0 i8x16.splat))
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11]
// (module (func (result v128) three i32.const 0 i8x16.splat, f32x4.relaxed_madd))
const RELAXED = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 0, 253, 15, 65, 0, 253, 15, 65,
  0, 253, 15, 253, 133, 2, 11,
]

function accepts(bytes: readonly number[]): boolean {
  return typeof WebAssembly === 'object' && WebAssembly.validate(new Uint8Array(bytes))
}

let compiles: boolean | undefined

/** Whether this host compiles WebAssembly bytes: a content policy without `wasm-unsafe-eval`, or workerd, forbids it. */
export function mayCompile(): boolean {
  if (compiles === undefined) {
    try {
      new WebAssembly.Module(new Uint8Array(SIMD))
      compiles = true
    } catch {
      compiles = false
    }
  }
  return compiles
}

let detected: WasmFeatures | undefined

/** Detects the features once. */
export function wasmFeatures(): WasmFeatures {
  detected ??= {
    simd: accepts(SIMD),
    relaxed: accepts(RELAXED),
    threads:
      typeof SharedArrayBuffer === 'function' && typeof Worker !== 'undefined' ? crossOriginIsolated() : isNode(),
  }
  return detected
}

/** Whether this is Node.js (or a runtime that offers its builtin modules the same way), seen without importing anything. */
export function isNode(): boolean {
  const host = globalThis as { process?: { getBuiltinModule?: unknown } }
  return typeof host.process?.getBuiltinModule === 'function'
}

/** Whether this thread may block in Atomics.wait: a browser's main thread may not. */
export function mayBlock(): boolean {
  return isNode() || typeof (globalThis as { window?: unknown }).window === 'undefined'
}

function crossOriginIsolated(): boolean {
  return isNode() || (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true
}
