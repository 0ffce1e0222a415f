import { balancedRanges, type WasmBackend, Workspace } from '@nnz/core'
import * as set from '../generated/wasm.ts'
import { copyTokens, headInPlace } from './head-memory.ts'
import type { Pool, Pooling, PoolingSize } from './pooling.ts'

const EXPORTS: Record<Pool, string> = { mean: 'poolMean', maximum: 'poolMaximum', minimum: 'poolMinimum' }

/** Elements that are copied and pooled at once: few enough to stay in a cache, and enough for copying to get going. */
const CHUNK_ELEMENTS = 262_144

/** Below so many elements another thread is not worth waking. */
const PART_ELEMENTS = 65_536

/** The microkernels of kernels-wasm/assembly/attention/pool.ts. */
export function wasmPooling(backend: WasmBackend, size: PoolingSize): Pooling {
  const { memory, threads } = backend
  const { block: largest, headDim, rows, columns, length } = size
  const kernels = backend.kernels(set)
  const workspace = new Workspace(backend)
  const stride = 8 * Math.ceil(columns / 8)
  const tokenRoom = workspace.region(4 * Math.max(CHUNK_ELEMENTS, largest * headDim))
  // A block has one token at least.
  const pooledRoom = workspace.region(4 * Math.max(rows, columns) * headDim)
  const queryRoom = workspace.region(4 * rows * length)
  const keyRoom = workspace.region(4 * columns * length)
  const panelRoom = workspace.region(4 * stride * length)
  const scoreRoom = workspace.region(4 * rows * stride)
  const ranges = (count: number, elements: number) =>
    balancedRanges(count, Math.max(1, Math.min(threads, Math.floor(elements / PART_ELEMENTS))), () => 1)
  return {
    pool(x, batch, head, block, pool) {
      const count = x.shape[2]
      const blocks = Math.ceil(count / block)
      function run(address: number, tokenBytes: number, tokens: number, to: number): void {
        const parts = ranges(Math.ceil(tokens / block), tokens * headDim)
        kernels.parallel(EXPORTS[pool], [address, tokenBytes, tokens, block, headDim, to], parts)
      }
      const placed = headInPlace(x, memory, batch, head)
      if (placed) run(placed.address, placed.stride, count, pooledRoom())
      else {
        const step = block * Math.max(1, Math.floor(CHUNK_ELEMENTS / headDim / block))
        for (let first = 0; first < count; first += step) {
          const tokens = Math.min(step, count - first)
          copyTokens(x, batch, head, first, tokens, memory.f32.subarray(tokenRoom() / 4))
          run(tokenRoom(), 4 * headDim, tokens, pooledRoom() + (first / block) * headDim * 4)
        }
      }
      return memory.f32.subarray(pooledRoom() / 4, pooledRoom() / 4 + blocks * headDim)
    },
    scores(queries, keys, dim, scale) {
      memory.f32.set(queries, queryRoom() / 4)
      memory.f32.set(keys, keyRoom() / 4)
      const rowCount = queries.length / dim
      const columnCount = keys.length / dim
      const to = scoreRoom()
      if (rowCount > 0 && columnCount > 0) {
        kernels.call('packRows', keyRoom(), columnCount, dim, scale, panelRoom())
        const args = [queryRoom(), panelRoom(), columnCount, dim, to, 4 * stride]
        kernels.parallel('scoreBlocks', args, ranges(rowCount, rowCount * columnCount * dim))
      }
      return { data: memory.f32.subarray(to / 4, to / 4 + rowCount * stride), stride }
    },
  }
}
