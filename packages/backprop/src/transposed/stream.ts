import { balancedRanges, type Csr, StreamPacking, type WasmBackend, WasmBlock } from '@nnz/core'
import { layOutStream, type StreamGeometry, streamShape } from '@nnz/spmm'
import type { Transposition } from '../entries.ts'
import * as set from '../generated/wasm.ts'

function layOut(weights: Csr) {
  const { rowOffsets, columnIndices, values, shape } = weights
  return layOutStream({ rowOffsets, columnIndices, values, order: undefined }, streamShape(...shape, weights.nnz))
}

/**
 * A transposed matrix as a stream for the panels of `spmm`, whose values are replaced in the order of the matrix itself: one
 * pass over the stream, in which each place finds its value.
 */
export class TransposedStream extends StreamPacking<StreamGeometry> {
  readonly #backend: WasmBackend
  readonly #transposition: Transposition<Csr>
  /** For each value of the stream where it comes from, and room for the values: laid out when they change for the first time. */
  #sources: WasmBlock | undefined
  #ranges: Int32Array = new Int32Array(0)

  constructor(backend: WasmBackend, transposition: Transposition<Csr>) {
    super(backend, undefined, () => layOut(transposition.weights))
    this.#backend = backend
    this.#transposition = transposition
  }

  override get bytes(): number {
    return super.bytes + (this.#sources?.bytes ?? 0)
  }

  #locate(): WasmBlock {
    const { weights, order } = this.#transposition
    const { valuePositions, bytes } = layOut(weights)
    const { windowRows, windowBytes } = this.geometry
    const entryAt = new Uint32Array(bytes >> 2)
    for (let i = 0; i < order.length; i++) entryAt[valuePositions[i] >> 2] = order[i] + 1
    const count = order.length
    const block = new WasmBlock(this.#backend, 8 * count + 4 * windowBytes.length)
    const table = new Uint32Array(this.#backend.memory.memory.buffer, block.address, 2 * count + windowBytes.length)
    let at = 0
    for (const entry of entryAt) if (entry > 0) table[at++] = entry - 1
    for (let window = 0; window < windowBytes.length; window++)
      table[2 * count + window] = weights.rowOffsets[window * windowRows]
    const parts = this.#backend.threads === 1 ? 1 : 4 * this.#backend.threads
    this.#ranges = balancedRanges(windowBytes.length, parts, (window) => windowBytes[window] + 1)
    return block
  }

  override updateValues(values: Float32Array): void {
    this.#sources ??= this.#locate()
    const sources = this.#sources.address
    const staged = sources + 4 * values.length
    const starts = staged + 4 * values.length
    const kBlocks = Math.max(1, Math.ceil(this.geometry.k / this.geometry.kBlock))
    this.#backend.memory.f32.set(values, staged / 4)
    const args = [this.stream, this.table(0), kBlocks, starts, sources, staged]
    this.#backend.kernels(set).parallel('gatherValues', args, this.#ranges)
  }

  override dispose(): void {
    super.dispose()
    this.#sources?.dispose()
  }
}
