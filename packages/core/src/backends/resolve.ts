import { describe, rangeError, typeError } from '../errors.ts'
import type { Backend } from './backend.ts'
import { js } from './js.ts'
import { type WasmBackend, wasm, wasmSupport } from './wasm.ts'

/** What callers may pass as `{ backend }`. */
export type BackendOption = Backend | typeof wasm

/** The backend that was asked for, or the best CPU backend of this host. */
export function resolveBackend(option: BackendOption | undefined): Backend {
  if (option === undefined) return wasmSupport() === true ? wasm.open() : js
  if (option === wasm) return wasm.open()
  if (typeof option !== 'object' || option === null || typeof option.name !== 'string') {
    throw typeError('NNZ_TYPE', `backend: expected a backend object such as js or wasm, got ${describe(option)}`)
  }
  return option as Backend
}

/** Narrows to the WASM backend. */
export function isWasm(backend: Backend): backend is WasmBackend {
  return backend.name === 'wasm'
}

/** The backend of a WASM row. Throws RangeError, in the name of the operation, for any other. */
export function expectWasmBackend(backend: Backend, operation: string): WasmBackend {
  if (!isWasm(backend)) {
    throw rangeError('NNZ_BACKEND', `${operation}: this kernel needs the wasm backend, got ${backend.name}`)
  }
  return backend
}
