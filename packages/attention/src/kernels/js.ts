import { F32_TYPES, type Packing } from '@nnz/core'
import type { BlockMask } from '../mask/block-mask.ts'
import { type Schedule, schedule } from '../schedule.ts'
import { backwardRow, forwardRow, type RowBuffers } from './rows-js.ts'
import {
  type AttentionArguments,
  type AttentionKernel,
  type BackwardKernel,
  isFor,
  type Pattern,
  packingFeatures,
} from './types.ts'

/** The schedule of a mask. It has no values. */
class SchedulePacking implements Packing {
  readonly schedule: Schedule
  readonly mask: BlockMask | undefined

  constructor({ mask }: Pattern, tokens: number, keys: number) {
    this.mask = mask
    this.schedule = schedule(mask, tokens, keys)
  }

  get bytes(): number {
    const { tileStarts, tileRows, offsets, entries } = this.schedule
    return tileStarts.byteLength + tileRows.byteLength + offsets.byteLength + entries.byteLength
  }

  updateValues(): void {}

  dispose(): void {}
}

/** Calls `visit` for each query with the keys that it meets, in `buffers.kept[0 .. count]`. */
function forEachRow(
  { schedule: { heads, tiles, tileStarts, tileRows, offsets, entries }, mask }: SchedulePacking,
  { q, ranges }: AttentionArguments,
  { kept }: RowBuffers,
  visit: (batch: number, head: number, query: number, count: number) => void,
): void {
  const [batch, queryHeads, tokens] = q.shape
  const words = mask ? Math.ceil(mask.blockShape[1] / 32) : 0
  for (let unit = 0; unit < batch * queryHeads * tiles; unit++) {
    const tile = unit % tiles
    const batchHead = Math.floor(unit / tiles)
    const list = (batchHead % heads) * tiles + tile
    const b = Math.floor(batchHead / queryHeads)
    for (let query = tileStarts[tile]; query < Math.min(tileStarts[tile + 1], tokens); query++) {
      const range = (ranges.perBatch ? b * tokens : 0) + query
      let count = 0
      for (let entry = 3 * offsets[list]; entry < 3 * offsets[list + 1]; entry += 3) {
        const first = entries[entry]
        const end = Math.min(entries[entry + 1], ranges.high[range])
        const element = entries[entry + 2]
        const row =
          mask && element >= 0 ? (element * mask.blockShape[0] + tileRows[tile] + query - tileStarts[tile]) * words : 0
        for (let key = Math.max(first, ranges.low[range]); key < end; key++) {
          const at = key - first
          if (element < 0 || (mask!.elements[row + (at >>> 5)] >>> (at & 31)) & 1) kept[count++] = key
        }
      }
      visit(b, batchHead % queryHeads, query, count)
    }
  }
}

function buffers(keys: number, headDim: number): RowBuffers {
  return {
    kept: new Int32Array(keys),
    weights: new Float64Array(keys),
    slopes: new Float64Array(keys),
    sums: new Float64Array(headDim),
    query: new Float64Array(headDim),
  }
}

const SHARED = { backend: 'js', variant: 'js_rows', format: 'schedule', dense: false } as const
const types = { ...F32_TYPES, accumulator: 'f64' } as const

/** The plain JavaScript row of `attention`: query by query, no buffer larger than one row of scores. */
export const jsKernel: AttentionKernel = {
  ...SHARED,
  name: 'attention_blocks_f32__js_rows',
  operation: 'attention',
  types,
  supports: (problem) => isFor('attention', problem),
  runFeatures: ({ pairs, headDim, batch, heads, tokens }) => [1, pairs * headDim, batch * heads * tokens],
  packFeatures: packingFeatures,
  pack: (pattern, { tokens, keys }) => new SchedulePacking(pattern, tokens, keys),
  plan({ keys, headDim }, packing) {
    const room = buffers(keys, headDim)
    return {
      run: (args) =>
        forEachRow(packing as SchedulePacking, args, room, (b, head, query, count) =>
          forwardRow(args, room, b, head, query, count),
        ),
    }
  },
}

/** The plain JavaScript row of `attentionBackward`. */
export const jsBackwardKernel: BackwardKernel = {
  ...SHARED,
  name: 'attentionBackward_blocks_f32__js_rows',
  operation: 'attentionBackward',
  types,
  supports: (problem) => isFor('attentionBackward', problem),
  runFeatures: ({ pairs, headDim, batch, heads, tokens }) => [1, pairs * headDim, batch * heads * tokens],
  packFeatures: packingFeatures,
  pack: (pattern, { tokens, keys }) => new SchedulePacking(pattern, tokens, keys),
  plan({ batch, keyHeads, keys: mostKeys, headDim }, packing) {
    const room = buffers(mostKeys, headDim)
    // Sums over queries stay in f64 until all have been added.
    const dK = new Float64Array(batch * keyHeads * mostKeys * headDim)
    const dV = new Float64Array(dK.length)
    return {
      run(args) {
        const keys = args.k.shape[2]
        dK.fill(0)
        dV.fill(0)
        forEachRow(packing as SchedulePacking, args, room, (b, head, query, count) =>
          backwardRow(args, room, dK, dV, b, head, query, count),
        )
        for (const [sums, { data, strides }] of [
          [dK, args.dK],
          [dV, args.dV],
        ] as const) {
          for (let row = 0, from = 0; row < batch * keyHeads * keys; row++) {
            const [b, head, key] = [Math.floor(row / keyHeads / keys), Math.floor(row / keys) % keyHeads, row % keys]
            const to = b * strides[0] + head * strides[1] + key * strides[2]
            for (let i = 0; i < headDim; i++) data[to + i] = sums[from++]
          }
        }
      },
    }
  },
}
