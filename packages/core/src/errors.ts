/** Stable codes of every error that an nnz package throws on purpose. They do not change within a major version. */
export type ErrorCode =
  /** An argument is of the wrong kind (TypeError). */
  | 'NNZ_TYPE'
  /** A shape, length or stride does not fit (RangeError). */
  | 'NNZ_SHAPE'
  /** A value is out of range (RangeError). */
  | 'NNZ_VALUE'
  /** A sparse layout is inconsistent (RangeError that names the array and the position). */
  | 'NNZ_LAYOUT'
  /** A file is damaged or of another version (RangeError that names the file and the byte). */
  | 'NNZ_FILE'
  /** A disposed plan or tensor was used (TypeError). */
  | 'NNZ_DISPOSED'
  /** No backend or kernel can do what was asked (BackendUnavailableError, RangeError). */
  | 'NNZ_BACKEND'
  /** WebAssembly memory could not be had (RangeError). */
  | 'NNZ_MEMORY'
  /** Two incompatible copies of @nnz/core met in one realm (BackendUnavailableError). */
  | 'NNZ_ABI'

/** A TypeError with a stable `code`. */
export function typeError(code: ErrorCode, message: string): TypeError & { code: ErrorCode } {
  return Object.assign(new TypeError(message), { code })
}

/** A RangeError with a stable `code`. */
export function rangeError(code: ErrorCode, message: string): RangeError & { code: ErrorCode } {
  return Object.assign(new RangeError(message), { code })
}

/** Gives what `make` makes; an error because memory is exhausted says for what it was. */
export function namingMemory<T>(name: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof RangeError) || (error as { code?: ErrorCode }).code !== 'NNZ_MEMORY') throw error
    throw Object.assign(rangeError('NNZ_MEMORY', `${name}: ${error.message}`), { cause: error })
  }
}

/** Thrown where a backend is asked for that this host does not have; the message says what was tried and what to do. */
export class BackendUnavailableError extends Error {
  readonly code: ErrorCode

  constructor(message: string, options?: ErrorOptions & { code?: ErrorCode }) {
    super(message, options)
    this.name = 'BackendUnavailableError'
    this.code = options?.code ?? 'NNZ_BACKEND'
  }
}

/** What a value is, in words that fit into an error message: `Float32Array(12)`, `null`, `"abc"`. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'object' && typeof value !== 'function') return String(value)
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${(value as Uint8Array).length ?? value.byteLength})`
  if (Array.isArray(value)) return `Array(${value.length})`
  if ('layout' in value && typeof value.layout === 'string') {
    const type = 'values' in value && value.values !== null && (value.values as { type?: unknown })?.type
    return typeof type === 'string' ? `a ${value.layout} layout of ${type} values` : `a ${value.layout} layout`
  }
  if ('dtype' in value && 'shape' in value && Array.isArray(value.shape)) {
    const shape = `[${value.shape.join(', ')}]`
    const data = 'data' in value ? value.data : undefined
    if (value.dtype !== 'f32') return `an object ${shape} of dtype ${describe(value.dtype)}`
    return data instanceof Float32Array ? `a tensor ${shape}` : `an object ${shape} whose data is ${describe(data)}`
  }
  return typeof value === 'function' ? 'a function' : (value.constructor?.name ?? 'an object')
}
