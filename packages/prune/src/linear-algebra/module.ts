import { BackendUnavailableError, describe, rangeError, typeError } from '@nnz/core'
import { binaries } from '../generated/linear-algebra.ts'

/** What kernels-wasm/rust exports. Sizes are in elements, matrices row-major, and statuses those of {@link STATUS}. */
interface Exports {
  readonly memory: WebAssembly.Memory
  allocate(count: number): number
  release(array: number, count: number): void
  cholesky(a: number, n: number): number
  inverse(a: number, n: number): number
  inverse_factor(a: number, n: number): number
  svd(a: number, rows: number, columns: number, u: number, s: number, vt: number): number
  symmetric_eigen(a: number, n: number, values: number): number
}

export const STATUS = { done: 0, notPositiveDefinite: 1, noConvergence: 2 } as const

/** An instance whose memory outgrew this is not kept: WebAssembly memory never shrinks. */
const KEPT_BYTES = 2 ** 26

let provided: WebAssembly.Module | undefined
let instance: Exports | undefined

/**
 * Takes the compiled module of linear algebra (`@nnz/prune/wasm/linear-algebra/linear-algebra.wasm`), for hosts that forbid
 * compiling bytes.
 *
 * @throws TypeError if it is none
 */
export function loadLinearAlgebra(module: WebAssembly.Module): void {
  if (!(module instanceof WebAssembly.Module))
    throw typeError('NNZ_TYPE', `loadLinearAlgebra: expected a WebAssembly.Module, got ${describe(module)}`)
  provided = module
  instance = undefined
}

function compiled(): WebAssembly.Module {
  try {
    const bytes = Uint8Array.from(atob(binaries['linear-algebra']), (character) => character.charCodeAt(0))
    return new WebAssembly.Module(bytes)
  } catch (cause) {
    throw new BackendUnavailableError(
      'linear algebra: this host does not compile WebAssembly bytes with SIMD; give a module with loadLinearAlgebra(module)',
      { cause },
    )
  }
}

/** An array in the module's memory. */
export interface WasmArray {
  readonly address: number
  /** The elements; a fresh view at each access, since memory grows. */
  readonly values: Float64Array
}

/**
 * Calls the module with arrays of these lengths, which are freed afterwards.
 *
 * @throws RangeError where there is no memory for them
 */
export function withArrays<T>(
  lengths: readonly number[],
  name: string,
  use: (exports: Exports, arrays: WasmArray[]) => T,
): T {
  provided ??= compiled()
  const exports = (instance ??= new WebAssembly.Instance(provided).exports as unknown as Exports)
  // After a trap its memory is in no known state: only a call that comes to its end leaves it for the next.
  instance = undefined
  const addresses = lengths.map((length) => {
    const address = exports.allocate(length) >>> 0
    if (address === 0) throw rangeError('NNZ_MEMORY', `${name}: no memory for an array of ${length} f64 elements`)
    return address
  })
  const arrays = addresses.map((address, i) => ({
    address,
    get values() {
      return new Float64Array(exports.memory.buffer, address, lengths[i])
    },
  }))
  const result = attempt(() => use(exports, arrays), name)
  addresses.forEach((address, i) => {
    exports.release(address, lengths[i])
  })
  if (exports.memory.buffer.byteLength <= KEPT_BYTES) instance = exports
  return result
}

/** The module traps only where memory for what it needs besides cannot be had. */
function attempt<T>(run: () => T, name: string): T {
  try {
    return run()
  } catch (cause) {
    if (!(cause instanceof WebAssembly.RuntimeError)) throw cause
    throw Object.assign(rangeError('NNZ_MEMORY', `${name}: no memory for intermediate matrices`), { cause })
  }
}
