import type { WasmBackend } from '../../backends/wasm.ts'
import { WasmBlock } from '../../backends/workspace.ts'
import type { I8Values } from '../../compact/values.ts'
import { scaleGroups } from '../../compact/values.ts'
import { type CompactDense, dense } from '../../layouts/dense.ts'
import type { Packing } from '../../plan/kernel.ts'

/** Rows of a tile. */
export const TILE_ROWS = 8
/** Bytes of the sums and scales in front of each group of a tile. */
const HEADER = 64

/** Dense i8 weights in tiles of eight rows; the form is described in kernels-wasm/assembly/core-i8/tiles.ts. */
export class TilePacking implements Packing {
  readonly tileBytes: number
  readonly groupUnits: number
  readonly #block: WasmBlock
  readonly #shape: readonly [number, number]
  readonly #groupColumns: number
  readonly #unit: number

  /** @param unit values of k in a unit: 4 with relaxed SIMD, else 2 */
  constructor(backend: WasmBackend, matrix: CompactDense, unit: number) {
    const [m, k] = matrix.shape
    const { groupColumns } = matrix.values as I8Values
    this.#shape = matrix.shape
    this.#groupColumns = groupColumns
    this.#unit = unit
    const units = Math.ceil(k / unit)
    this.groupUnits = Math.min(Math.ceil(groupColumns / unit), Math.max(1, units))
    this.tileBytes = scaleGroups(k, groupColumns) * HEADER + units * TILE_ROWS * unit
    this.#block = new WasmBlock(backend, Math.ceil(m / TILE_ROWS) * this.tileBytes)
    this.#write(matrix.values as I8Values)
  }

  #write({ data, scales }: I8Values): void {
    const [m, k] = this.#shape
    const groups = scaleGroups(k, this.#groupColumns)
    const unit = this.#unit
    const { u8 } = this.#block
    u8.fill(0)
    const bytes = new Int8Array(u8.buffer, u8.byteOffset, u8.length)
    const words = new Int32Array(u8.buffer, u8.byteOffset, u8.length >> 2)
    const floats = new Float32Array(u8.buffer, u8.byteOffset, u8.length >> 2)
    for (let row = 0; row < m; row++) {
      const inTile = row % TILE_ROWS
      let at = Math.floor(row / TILE_ROWS) * this.tileBytes
      for (let group = 0; group < groups; group++) {
        const first = group * this.#groupColumns
        const last = Math.min(k, first + this.#groupColumns)
        let sum = 0
        const start = at + HEADER + inTile * unit
        for (let column = first; column < last; column++) {
          const within = column - first
          const value = data[row * k + column]
          bytes[start + Math.floor(within / unit) * unit * TILE_ROWS + (within % unit)] = value
          sum += value
        }
        words[(at >> 2) + inTile] = sum
        floats[(at >> 2) + TILE_ROWS + inTile] = scales[row * groups + group]
        at += HEADER + Math.ceil((last - first) / unit) * unit * TILE_ROWS
      }
    }
  }

  get address(): number {
    return this.#block.address
  }

  get bytes(): number {
    return this.#block.bytes
  }

  updateValues(values: Float32Array): void {
    const scales = { columns: this.#groupColumns }
    this.#write(dense.quantise(dense({ shape: this.#shape, values }), { type: 'i8', scales }).values as I8Values)
  }

  dispose(): void {
    this.#block.dispose()
  }
}
