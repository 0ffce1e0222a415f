import { balancedRanges, type WasmBackend, Workspace } from '@nnz/core'
import * as set from '../generated/wasm.ts'
import { headPlacer } from './head-placer.ts'
import type { Pool, Pooling, PoolingSize } from './pooling.ts'

const EXPORTS: Record<Pool, string> = { mean: 'poolMean', maximum: 'poolMaximum', minimum: 'poolMinimum' }

/** Below so many elements another thread is not worth waking. */
const PART_ELEMENTS = 65_536

/** The microkernels of kernels-wasm/assembly/attention/pool.ts. */
export function wasmPooling(backend: WasmBackend, size: PoolingSize): Pooling {
  const { memory, threads } = backend
  const { tokens, headDim, rows, columns, length } = size
  const kernels = backend.kernels(set)
  const workspace = new Workspace(backend)
  const place = headPlacer(workspace, memory, tokens, headDim)
  const stride = 8 * Math.ceil(columns / 8)
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
      const { address, stride: tokenBytes } = place(x, batch, head)
      const blocks = Math.ceil(x.shape[2] / block)
      const args = [address, tokenBytes, x.shape[2], block, headDim, pooledRoom()]
      kernels.parallel(EXPORTS[pool], args, ranges(blocks, x.shape[2] * headDim))
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
