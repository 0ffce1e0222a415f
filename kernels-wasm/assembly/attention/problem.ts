/**
 * One call, laid out as 32-bit fields by the host (see packages/attention/src/kernels/wasm/problem.ts). Addresses and strides
 * in bytes. Innermost axes have unit stride.
 */
@unmanaged
export class Problem {
  q: usize
  qBatch: usize
  qHead: usize
  qToken: usize
  k: usize
  kBatch: usize
  kHead: usize
  kToken: usize
  v: usize
  vBatch: usize
  vHead: usize
  vToken: usize
  out: usize
  outBatch: usize
  outHead: usize
  outToken: usize
  /** f32 [batch, heads, tokens]. */
  logSumExp: usize
  heads: i32
  /** Query heads for each key head. */
  group: i32
  tokens: i32
  headDim: i32
  scale: f32
  tiles: i32
  maskHeads: i32
  /** i32 [tiles + 1]: first query of each tile; a tile has 64 queries at most. */
  tileStarts: usize
  /** i32 [maskHeads * tiles + 1], into entries. */
  entryOffsets: usize
  /** Triples of i32: first key, key after the last, address of the element mask or 0. */
  entries: usize
  /** i32 [tokens] each, `rangeBatch` bytes apart: the keys from low to high - 1 may be attended. */
  low: usize
  high: usize
  rangeBatch: usize
  /** i32 [parts + 1]: first unit of each part. A unit is a tile of a head; backward, a part of a key head's tiles. */
  bounds: usize
  scratch: usize
  /** Bytes of scratch of each part. */
  scratchBytes: usize
  /** Backward only. */
  dOut: usize
  dOutBatch: usize
  dOutHead: usize
  dOutToken: usize
  dQ: usize
  dQBatch: usize
  dQHead: usize
  dQToken: usize
  dK: usize
  dKBatch: usize
  dKHead: usize
  dKToken: usize
  dV: usize
  dVBatch: usize
  dVHead: usize
  dVToken: usize
  keys: i32
  /** Units of each key head. */
  splits: i32
  /** Pairs of i32 for each unit: its tiles from the first to before the last, counted over the query heads of its key head. */
  unitTiles: usize
  /** f32 [batch * keyHeads, splits - 1, 2, keys, headDim]: dK and dV of all units of a key head but the first. */
  partial: usize
}
