import { freezeConfiguration } from '../config.ts'
import { BackendUnavailableError, rangeError } from '../errors.ts'
import { wasmFeatures } from '../features.ts'
import { type Allocator, createAllocator } from './allocator.ts'

/** Layout of the realm-wide record; copies of core that differ here refuse to meet. */
const ABI = 1
const PAGE = 65536
/** The first bytes stay unused, so that no pointer is 0. */
const START = 1024
const INITIAL_PAGES = 16
const MAXIMUM_PAGES = 65536

/** The one WebAssembly memory of a realm, with its allocator. Every nnz package's modules import this memory. */
export interface WasmMemory extends Allocator {
  readonly abi: number
  readonly memory: WebAssembly.Memory
  readonly shared: boolean
  /** Live views over the whole memory; take them anew after anything that may allocate. */
  readonly f32: Float32Array
  readonly u8: Uint8Array
  readonly i32: Int32Array
}

const KEY = Symbol.for('@nnz/core/memory')

function createMemory(): { memory: WebAssembly.Memory; shared: boolean; maximum: number } {
  const shared = wasmFeatures().threads
  // Phones refuse large maxima: halve until one is granted.
  for (let maximum = MAXIMUM_PAGES; maximum >= INITIAL_PAGES; maximum >>= 1) {
    try {
      return { memory: new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum, shared }), shared, maximum }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
  }
  throw rangeError('NNZ_MEMORY', `memory: the host refused a WebAssembly memory of ${INITIAL_PAGES} pages`)
}

function create(): WasmMemory {
  freezeConfiguration()
  const { memory, shared, maximum } = createMemory()
  const allocator = createAllocator(START, memory.buffer.byteLength, (bytes) => {
    const pages = memory.buffer.byteLength / PAGE
    const needed = Math.ceil(bytes / PAGE)
    // A quarter more than there is, so that many small growths do not each cost a system call.
    const wanted = Math.min(Math.max(needed, pages >> 2), maximum - pages)
    try {
      memory.grow(Math.max(wanted, needed))
    } catch (cause) {
      throw Object.assign(
        rangeError('NNZ_MEMORY', `memory: ${bytes} more bytes do not fit into ${maximum} pages of 64 KiB`),
        { cause },
      )
    }
    return memory.buffer.byteLength
  })
  let buffer: ArrayBufferLike | undefined
  let views = { f32: new Float32Array(), u8: new Uint8Array(), i32: new Int32Array() }
  function live() {
    if (memory.buffer !== buffer) {
      buffer = memory.buffer
      views = {
        f32: new Float32Array(memory.buffer),
        u8: new Uint8Array(memory.buffer),
        i32: new Int32Array(memory.buffer),
      }
    }
    return views
  }
  return {
    abi: ABI,
    memory,
    shared,
    allocate: allocator.allocate,
    free: allocator.free,
    get used() {
      return allocator.used
    },
    get f32() {
      return live().f32
    },
    get u8() {
      return live().u8
    },
    get i32() {
      return live().i32
    },
  }
}

/**
 * The realm's memory, made at first use; copies of core in one realm share it.
 *
 * @throws BackendUnavailableError if another copy of core with another layout of this record was first
 */
export function wasmMemory(): WasmMemory {
  const realm = globalThis as unknown as Record<symbol, WasmMemory | undefined>
  const memory = (realm[KEY] ??= create())
  if (memory.abi !== ABI) {
    throw new BackendUnavailableError(
      `memory: this copy of @nnz/core speaks ABI ${ABI}, another one in this realm speaks ${memory.abi}: install one version of @nnz/core (npm ls @nnz/core)`,
      { code: 'NNZ_ABI' },
    )
  }
  return memory
}
