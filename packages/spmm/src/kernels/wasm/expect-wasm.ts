import { type Backend, expectWasmBackend, type WasmBackend } from '@nnz/core'

/** The backend of a WASM row of this package. */
export function expectWasm(backend: Backend): WasmBackend {
  return expectWasmBackend(backend, 'spmm')
}
