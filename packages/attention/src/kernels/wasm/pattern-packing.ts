import { type Packing, type WasmBackend, WasmBlock } from '@nnz/core'
import type { BlockMask } from '../../mask/block-mask.ts'
import { elementWords } from '../../mask/block-mask.ts'
import { type Schedule, schedule } from '../../schedule.ts'
import type { Pattern } from '../types.ts'

/** Bytes of a key's bits in an element mask: one bit for each of 64 queries. */
const KEY_BYTES = 8

/** A schedule in WASM memory, with element masks turned round: for each key the bits of a tile's queries. */
export class PatternPacking implements Packing {
  readonly schedule: Schedule
  /** Addresses. */
  readonly tileStarts: number
  readonly offsets: number
  readonly entries: number
  readonly #block: WasmBlock

  constructor(backend: WasmBackend, { mask }: Pattern, tokens: number, keys: number) {
    this.schedule = schedule(mask, tokens, keys)
    const { height, tiles, tileRows, tileStarts, offsets, entries } = this.schedule
    const [rows, columns] = mask?.blockShape ?? [0, 0]
    const tilesPerBlock = Math.ceil(rows / height)
    const masks = mask ? (mask.elements.length / elementWords(mask.blockShape)) * tilesPerBlock : 0
    const size = columns * KEY_BYTES
    const tableBytes = 8 * Math.ceil((tileStarts.length + offsets.length + entries.length) / 2)
    this.#block = new WasmBlock(backend, tableBytes + masks * size)
    this.tileStarts = this.#block.address
    this.offsets = this.tileStarts + 4 * tileStarts.length
    this.entries = this.offsets + 4 * offsets.length
    const { i32 } = backend.memory
    i32.set(tileStarts, this.tileStarts / 4)
    i32.set(offsets, this.offsets / 4)
    i32.set(entries, this.entries / 4)
    const bytes = this.#block.u8.subarray(tableBytes)
    for (let i = 0; mask && i < masks; i++) {
      const firstRow = (i % tilesPerBlock) * height
      const target = bytes.subarray(i * size, (i + 1) * size)
      turnMask(mask, Math.floor(i / tilesPerBlock), firstRow, Math.min(rows, firstRow + height), target)
    }
    for (let list = 0; list + 1 < offsets.length; list++) {
      const tile = tileRows[list % tiles] / height
      for (let entry = 3 * offsets[list] + 2; entry < 3 * offsets[list + 1]; entry += 3) {
        const index = entries[entry] * tilesPerBlock + tile
        i32[this.entries / 4 + entry] = entries[entry] < 0 ? 0 : this.tileStarts + tableBytes + index * size
      }
    }
  }

  get bytes(): number {
    return this.#block.bytes
  }

  /** A pattern has no values. */
  updateValues(): void {}

  dispose(): void {
    this.#block.dispose()
  }
}

function turnMask(
  { blockShape, elements }: BlockMask,
  element: number,
  firstRow: number,
  endRow: number,
  target: Uint8Array,
): void {
  const [height, width] = blockShape
  const words = Math.ceil(width / 32)
  target.fill(0)
  for (let row = firstRow; row < endRow; row++) {
    const from = (element * height + row) * words
    const lane = row - firstRow
    for (let key = 0; key < width; key++)
      target[key * KEY_BYTES + (lane >>> 3)] |= ((elements[from + (key >>> 5)] >>> (key & 31)) & 1) << (lane & 7)
  }
}
