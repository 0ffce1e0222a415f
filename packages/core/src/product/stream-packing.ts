import type { WasmBackend } from '../backends/wasm.ts'
import { WasmBlock } from '../backends/workspace.ts'
import * as set from '../generated/wasm.ts'
import { permute } from '../layouts/checks.ts'
import type { Packing } from '../plan/kernel.ts'

/** Values in another order: `values[order[i]]` for every i, or the values themselves without an order. */
export function reorder(values: Float32Array, order: Uint32Array | undefined): Float32Array {
  return order ? permute(values, order) : values
}

/** A packed form of weights: a stream of 16-bit units with values at known positions, and tables beside it. */
export interface PackedForm<G> {
  readonly bytes: number
  readonly geometry: G
  /** Copied behind the stream. */
  readonly tables: readonly Uint32Array[]
  /** Byte position of the value of each entry. */
  readonly valuePositions: Uint32Array
  /** Writes everything but the tables; `target` begins where the stream does. */
  write(target: Uint16Array): void
}

function even(bytes: number): number {
  return Math.ceil(bytes / 4) * 4
}

/** A packed form in WASM memory, with its tables (u32) behind it. */
export class StreamPacking<G> implements Packing {
  /** How the stream is cut. */
  readonly geometry: G
  readonly #backend: WasmBackend
  readonly #block: WasmBlock
  readonly #tables: readonly number[]
  readonly #order: Uint32Array | undefined
  /** Positions cost 4 bytes an entry: they are laid out again when values change for the first time. */
  readonly #layOut: () => PackedForm<G>
  #positions: WasmBlock | undefined

  /** @param order where entry i of the form stands in the canonical order of values; undefined for "at i" */
  constructor(backend: WasmBackend, order: Uint32Array | undefined, layOut: () => PackedForm<G>) {
    const form = layOut()
    const { tables } = form
    const bytes = tables.reduce((sum, table) => sum + table.byteLength, even(form.bytes))
    this.#backend = backend
    this.#order = order
    this.#layOut = layOut
    this.#block = new WasmBlock(backend, bytes)
    this.geometry = form.geometry
    this.rewrite(form)
    let address = this.#block.address + even(form.bytes)
    this.#tables = tables.map((table) => {
      const at = address
      new Uint32Array(backend.memory.memory.buffer, at, table.length).set(table)
      address += table.byteLength
      return at
    })
  }

  get bytes(): number {
    return this.#block.bytes + (this.#positions?.bytes ?? 0)
  }

  /** Address of the stream. */
  get stream(): number {
    return this.#block.address
  }

  /** Writes a form of the same size over the stream; tables stay. */
  rewrite(form: PackedForm<G>): void {
    form.write(new Uint16Array(this.#backend.memory.memory.buffer, this.#block.address, form.bytes >> 1))
  }

  /** Address of table i. */
  table(i: number): number {
    return this.#tables[i]
  }

  updateValues(values: Float32Array): void {
    const { memory } = this.#backend
    const ordered = reorder(values, this.#order)
    if (!this.#positions) {
      const { valuePositions } = this.#layOut()
      this.#positions = new WasmBlock(this.#backend, 2 * valuePositions.byteLength)
      new Uint32Array(memory.memory.buffer, this.#positions.address, valuePositions.length).set(valuePositions)
    }
    const count = ordered.length
    const staged = this.#positions.address + 4 * count
    memory.f32.set(ordered, staged / 4)
    this.#backend.kernels(set).call('scatterValues', staged, this.#positions.address, this.stream, 0, count)
  }

  dispose(): void {
    this.#block.dispose()
    this.#positions?.dispose()
  }
}
