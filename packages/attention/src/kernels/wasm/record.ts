import type { Placed } from './place.ts'

/** The fields of `Problem` in kernels-wasm/assembly/attention/problem.ts, in order. */
export interface ProblemRecord {
  q: Placed
  k: Placed
  v: Placed
  output: Placed
  logSumExp: number
  heads: number
  group: number
  tokens: number
  headDim: number
  scale: number
  tiles: number
  maskHeads: number
  tileStarts: number
  entryOffsets: number
  entries: number
  low: number
  high: number
  /** Bytes. */
  rangeBatch: number
  bounds: number
  scratch: number
  scratchBytes: number
  dOutput?: Placed
  dQ?: Placed
  dK?: Placed
  dV?: Placed
  keys: number
  /** Backward only. */
  splits?: number
  unitTiles?: number
  partial?: number
}

export const RECORD_BYTES = 256

const NOWHERE: Placed = { address: 0, strides: [0, 0, 0] }

/** Writes a record for the microkernels. */
export function writeRecord(record: ProblemRecord, i32: Int32Array, f32: Float32Array, address: number): void {
  const { q, k, v, output, dOutput = NOWHERE, dQ = NOWHERE, dK = NOWHERE, dV = NOWHERE } = record
  const place = ({ address, strides }: Placed) => [address, ...strides]
  const { logSumExp, heads, group, tokens, headDim, tiles, maskHeads, tileStarts, entryOffsets, entries } = record
  const { low, high, rangeBatch, bounds, scratch, scratchBytes, keys, scale } = record
  const { splits = 1, unitTiles = 0, partial = 0 } = record
  const before = [...[q, k, v, output].flatMap(place), logSumExp, heads, group, tokens, headDim]
  const after = [tiles, maskHeads, tileStarts, entryOffsets, entries, low, high, rangeBatch, bounds, scratch]
  i32.set(before, address / 4)
  f32[address / 4 + before.length] = scale
  const gradients = [dOutput, dQ, dK, dV].flatMap(place)
  i32.set([...after, scratchBytes, ...gradients, keys, splits, unitTiles, partial], address / 4 + before.length + 1)
}
