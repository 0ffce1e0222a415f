import { type Csr, type Packing, type WasmBackend, WasmBlock } from '@nnz/core'

/** How a stream of offsets is cut; the microkernel `sddmmCsr` gets the same numbers. */
export interface StreamShape {
  /** Rows of a window: a unit of work. */
  readonly windowRows: number
  /** Columns of a K block: its rows of an X panel stay near. At most 4096, so that column * 16 fits into 16 bits. */
  readonly kBlock: number
}

/**
 * Cuts for a pattern: few K blocks for few entries, since each begins with loads of the row of Y. Measured on Zen 4 (32 KB
 * of L1), 3072x768, N = 128: at 70 % 192, 256 and 384 columns reach 59, 61 and 57 % of the peak; at 90 % 192 to 768 all reach 53 to 55.
 */
export function streamShape(m: number, k: number, nnz: number): StreamShape {
  const density = nnz / Math.max(1, m * k)
  const kBlock = density > 0.2 ? 256 : density > 0.03 ? 384 : 768
  return { windowRows: Math.min(256, Math.max(16, Math.ceil(m / 8))), kBlock }
}

const HEADER = 8
const FOUR = 8

/** Structure alone, 2 bytes for an entry and 8 for each row of a K block; the form is described in kernels-wasm/assembly/backprop/sddmm.ts. */
export class OffsetStream implements Packing {
  readonly shape: StreamShape
  /** Bytes of each window: what threads divide by. */
  readonly windowBytes: readonly number[]
  readonly #block: WasmBlock
  readonly #streamBytes: number
  readonly #segmentBytes: number

  constructor(backend: WasmBackend, pattern: Csr, shape: StreamShape) {
    this.shape = shape
    const { segments, bytes } = measure(pattern, shape)
    const kBlocks = Math.max(1, Math.ceil(pattern.shape[1] / shape.kBlock))
    this.windowBytes = Array.from(
      { length: (segments.length - 1) / kBlocks },
      (_, i) => segments[(i + 1) * kBlocks] - segments[i * kBlocks],
    )
    this.#streamBytes = bytes
    const windows = this.windowBytes.length
    this.#segmentBytes = segments.byteLength
    this.#block = new WasmBlock(backend, bytes + segments.byteLength + 4 * (windows + 1))
    const { buffer } = backend.memory.memory
    new Uint32Array(buffer, this.segments, segments.length).set(segments)
    const m = pattern.shape[0]
    new Uint32Array(buffer, this.entries, windows + 1).set(
      Array.from({ length: windows + 1 }, (_, i) => pattern.rowOffsets[Math.min(i * shape.windowRows, m)]),
    )
    write(pattern, shape, segments, new Uint16Array(buffer, this.stream, bytes >> 1))
  }

  get bytes(): number {
    return this.#block.bytes
  }

  /** Address of the stream. */
  get stream(): number {
    return this.#block.address
  }

  /** Address of the table of segments. */
  get segments(): number {
    return this.#block.address + this.#streamBytes
  }

  /** Address of the table of each window's first entry. */
  get entries(): number {
    return this.segments + this.#segmentBytes
  }

  updateValues(): void {}

  dispose(): void {
    this.#block.dispose()
  }
}

/** Calls `visit(segment, row in its window, first entry, entries)` for the rows of every window and K block that have entries. */
function forEachRun(
  { shape: [m, k], rowOffsets, columnIndices }: Csr,
  { windowRows, kBlock }: StreamShape,
  visit: (segment: number, row: number, first: number, count: number) => void,
): void {
  const kBlocks = Math.max(1, Math.ceil(k / kBlock))
  for (let row = 0; row < m; row++) {
    const window = Math.floor(row / windowRows)
    const end = rowOffsets[row + 1]
    for (let i = rowOffsets[row]; i < end; ) {
      const first = i
      const block = Math.floor(columnIndices[i] / kBlock)
      for (const limit = (block + 1) * kBlock; i < end && columnIndices[i] < limit; i++);
      visit(window * kBlocks + block, row - window * windowRows, first, i - first)
    }
  }
}

function measure(pattern: Csr, shape: StreamShape): { segments: Uint32Array; bytes: number } {
  const [m, k] = pattern.shape
  const count = Math.ceil(m / shape.windowRows) * Math.max(1, Math.ceil(k / shape.kBlock))
  const segments = new Uint32Array(count + 1)
  forEachRun(pattern, shape, (segment, _row, _first, entries) => {
    segments[segment + 1] += HEADER + Math.ceil(entries / 4) * FOUR
  })
  for (let i = 0; i < count; i++) segments[i + 1] += segments[i]
  return { segments, bytes: segments[count] }
}

/** Writes the runs of each segment by falling number of entries, rows of one number in their order. */
function write(pattern: Csr, shape: StreamShape, segments: Uint32Array, halves: Uint16Array): void {
  const { windowRows, kBlock } = shape
  const [m, k] = pattern.shape
  const { rowOffsets, columnIndices } = pattern
  const kBlocks = Math.max(1, Math.ceil(k / kBlock))
  const next = rowOffsets.slice(0, m)
  const counts = new Uint32Array(windowRows)
  const place = new Uint32Array(Math.min(kBlock, k) + 2)
  const words = new Uint32Array(halves.buffer, halves.byteOffset, halves.length >> 1)
  for (let segment = 0; segment < segments.length - 1; segment++) {
    const top = Math.floor(segment / kBlocks) * windowRows
    const left = (segment % kBlocks) * kBlock
    const rows = Math.min(windowRows, m - top)
    place.fill(0)
    for (let row = 0; row < rows; row++) {
      let i = next[top + row]
      for (const end = rowOffsets[top + row + 1]; i < end && columnIndices[i] < left + kBlock; i++);
      counts[row] = i - next[top + row]
      place[counts[row]] += counts[row] === 0 ? 0 : HEADER + Math.ceil(counts[row] / 4) * FOUR
    }
    for (let count = place.length - 1, at = segments[segment]; count > 0; count--) {
      const bytes = place[count]
      place[count] = at
      at += bytes
    }
    for (let row = 0; row < rows; row++) {
      const count = counts[row]
      if (count === 0) continue
      const at = place[count]
      const first = next[top + row]
      place[count] += HEADER + Math.ceil(count / 4) * FOUR
      next[top + row] += count
      words[at >> 2] = row | (count << 16)
      words[(at >> 2) + 1] = first
      const to = (at + HEADER) >> 1
      for (let i = 0; i < Math.ceil(count / 4) * 4; i++)
        halves[to + i] = (columnIndices[first + Math.min(i, count - 1)] - left) << 4
    }
  }
}
