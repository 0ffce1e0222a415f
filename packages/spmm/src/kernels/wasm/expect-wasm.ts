import { type Backend, isWasm, rangeError, type WasmBackend } from '@nnz/core'

/** Narrows a backend for a WASM row. */
export function expectWasm(backend: Backend): WasmBackend {
  if (!isWasm(backend)) throw rangeError('NNZ_BACKEND', `spmm: this kernel needs the wasm backend, got ${backend.name}`)
  return backend
}
