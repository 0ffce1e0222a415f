import type { WasmBackend } from './wasm.ts'

/** Regions of the workspace that one plan uses while it runs. Made while planning; addresses are good during a run only. */
export class Workspace {
  readonly #backend: WasmBackend
  #bytes = 0

  constructor(backend: WasmBackend) {
    this.#backend = backend
  }

  /** Bytes of all regions. */
  get bytes(): number {
    return this.#bytes
  }

  /** Reserves `bytes` bytes, aligned to 64, and returns a function that gives their address during a run. */
  region(bytes: number): () => number {
    const offset = this.#bytes
    this.#bytes += Math.ceil(bytes / 64) * 64
    this.#backend.reserveWorkspace(this.#bytes)
    return () => this.#backend.workspace + offset
  }
}

/** A block of WASM memory that a packing owns. */
export class WasmBlock {
  readonly address: number
  readonly bytes: number
  readonly #backend: WasmBackend
  #freed = false

  constructor(backend: WasmBackend, bytes: number) {
    this.#backend = backend
    this.bytes = bytes
    this.address = backend.memory.allocate(bytes)
  }

  /** A fresh view over the block. */
  get u8(): Uint8Array {
    return this.#backend.memory.u8.subarray(this.address, this.address + this.bytes)
  }

  get f32(): Float32Array {
    return this.#backend.memory.f32.subarray(this.address / 4, (this.address + this.bytes) / 4)
  }

  dispose(): void {
    if (this.#freed) return
    this.#freed = true
    this.#backend.memory.free(this.address)
  }
}

/** Splits `count` units into at most `parts` ranges of about equal weight; `weight(i)` is that of unit i. */
export function balancedRanges(count: number, parts: number, weight: (unit: number) => number): Int32Array {
  let total = 0
  for (let unit = 0; unit < count; unit++) total += weight(unit)
  const bounds: number[] = []
  let begin = 0
  let sum = 0
  for (let unit = 0, part = 1; unit < count; unit++) {
    sum += weight(unit)
    // The last part takes all that is left, units without weight too.
    if ((part < parts && sum * parts >= total * part) || unit === count - 1) {
      bounds.push(begin, unit + 1)
      begin = unit + 1
      while (part < parts && sum * parts >= total * part) part++
    }
  }
  return Int32Array.from(bounds)
}
