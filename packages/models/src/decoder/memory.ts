import { isWasm, resolveBackend, type Tensor, type WasmBackend, zeros } from '@nnz/core'

/** The default backend where it is WASM. */
export function wasmBackend(): WasmBackend | undefined {
  const backend = resolveBackend(undefined)
  return isWasm(backend) ? backend : undefined
}

/** A tensor of zeros where the default backend computes: kernels read and write it in place. */
export function room(shape: readonly number[]): Tensor & { dispose?(): void } {
  const backend = wasmBackend()
  return backend ? zeros(shape, { backend }) : zeros(shape)
}

/** One range of rows for each thread. */
export function rowRanges(rows: number, { threads }: WasmBackend): Int32Array {
  const bounds: number[] = []
  for (let thread = 0; thread < threads; thread++) {
    const [begin, end] = [thread, thread + 1].map((part) => Math.floor((part * rows) / threads))
    if (end > begin) bounds.push(begin, end)
  }
  return Int32Array.from(bounds)
}
