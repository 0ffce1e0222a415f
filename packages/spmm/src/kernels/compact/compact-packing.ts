import { type PackedForm, type Packing, type WasmBackend, WasmBlock } from '@nnz/core'

/** A packed form that is laid out again where values change. */
export type CompactForm<G> = Omit<PackedForm<G>, 'valuePositions'>

/** A {@link CompactForm} in WASM memory, with its tables (u32) behind it. */
export class CompactPacking<G> implements Packing {
  readonly geometry: G
  readonly #block: WasmBlock
  readonly #tables: readonly number[]
  readonly #bytes: number
  readonly #layOut: (values: Float32Array) => CompactForm<G>

  /** @param layOut the form for f32 values in the layout's canonical order; its size depends on the pattern only */
  constructor(backend: WasmBackend, form: CompactForm<G>, layOut: (values: Float32Array) => CompactForm<G>) {
    const start = Math.ceil(form.bytes / 4) * 4
    this.geometry = form.geometry
    this.#layOut = layOut
    this.#block = new WasmBlock(backend, start + form.tables.reduce((sum, table) => sum + table.byteLength, 0))
    this.#bytes = form.bytes
    this.#write(form)
    let at = start
    this.#tables = form.tables.map((table) => {
      const address = this.#block.address + at
      this.#block.u8.set(new Uint8Array(table.buffer, table.byteOffset, table.byteLength), at)
      at += table.byteLength
      return address
    })
  }

  #write(form: CompactForm<G>): void {
    const { buffer, byteOffset } = this.#block.u8
    form.write(new Uint16Array(buffer, byteOffset, this.#bytes >> 1))
  }

  get bytes(): number {
    return this.#block.bytes
  }

  /** Address of the stream. */
  get stream(): number {
    return this.#block.address
  }

  /** Address of table i. */
  table(i: number): number {
    return this.#tables[i]
  }

  updateValues(values: Float32Array): void {
    this.#write(this.#layOut(values))
  }

  dispose(): void {
    this.#block.dispose()
  }
}
