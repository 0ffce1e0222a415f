import { balancedRanges, type WasmBackend, Workspace } from '@nnz/core'
import * as set from '../generated/wasm.ts'
import { copyTokens, headInPlace, type PlacedHead } from './head-memory.ts'
import { LANES, type Sampled, type Sampler, seenKeys } from './sampling.ts'

/** Bytes of the arrays in front of the weights, and of a row of weights: see kernels-wasm/assembly/attention/estimate.ts. */
const HEADER = 1792
const LIMITS = 1280
const STRIDE = 288

/** Below so many products another thread is not worth waking. */
const PART_PRODUCTS = 500_000

/** The microkernels of kernels-wasm/assembly/attention/estimate.ts. */
export function wasmSampler(backend: WasmBackend, { q, k, shape, causal, scale }: Sampled): Sampler {
  const { heads, keyHeads, keys, headDim } = shape
  const { memory } = backend
  const kernels = backend.kernels(set)
  const workspace = new Workspace(backend)
  const copiedKeys = workspace.region(4 * keys * headDim)
  const queryRoom = workspace.region(4 * LANES * headDim)
  const panelRoom = workspace.region(4 * LANES * headDim)
  const sumRoom = workspace.region(4 * (keys + LANES))
  const maximumRoom = workspace.region(4 * keys)
  const scratch = workspace.region(HEADER + (keys + 1) * STRIDE)
  let count = 0
  let seen = 0
  let placed: { batch: number; keyHead: number; at: PlacedHead } | undefined

  function placeKeys(batch: number, keyHead: number): PlacedHead {
    const found = headInPlace(k, memory, batch, keyHead)
    if (found) return found
    copyTokens(k, batch, keyHead, 0, keys, memory.f32.subarray(copiedKeys() / 4))
    return { address: copiedKeys(), stride: 4 * headDim }
  }

  function pack(batch: number, head: number, queries: readonly number[]): void {
    const base = batch * q.strides[0] + head * q.strides[1]
    for (let lane = 0; lane < count; lane++) {
      const from = base + queries[lane] * q.strides[2]
      memory.f32.set(q.data.subarray(from, from + headDim), queryRoom() / 4 + lane * headDim)
    }
    kernels.call('packRows', queryRoom(), count, headDim, scale, panelRoom())
  }

  /** On all threads where it is worth it. */
  function parallel(name: string, args: readonly number[], units: number): void {
    const parts = count * seen * headDim < PART_PRODUCTS ? 1 : backend.threads
    kernels.parallel(
      name,
      args,
      balancedRanges(units, parts, () => 1),
    )
  }

  function view(address: number, length: number): Float32Array {
    return memory.f32.subarray(address / 4, address / 4 + length)
  }

  return {
    sample(batch, head, queries) {
      const keyHead = Math.floor((head * keyHeads) / heads)
      if (placed?.batch !== batch || placed.keyHead !== keyHead)
        placed = { batch, keyHead, at: placeKeys(batch, keyHead) }
      count = queries.length
      pack(batch, head, queries)
      const limits = memory.i32.subarray((scratch() + LIMITS) / 4, (scratch() + LIMITS) / 4 + LANES)
      limits.fill(0)
      for (let lane = 0; lane < count; lane++) limits[lane] = seenKeys(shape, causal, queries[lane])
      seen = limits[count - 1]
      const { address, stride } = placed.at
      parallel('sampleWeights', [panelRoom(), count, headDim, address, stride, seen, scratch()], Math.ceil(count / 8))
    },
    columns() {
      const sums = view(sumRoom(), keys)
      parallel('columnSums', [scratch(), count, sumRoom()], seen)
      sums.fill(0, seen)
      return sums
    },
    diagonals() {
      const sums = view(sumRoom(), keys + LANES)
      sums.fill(0)
      // Diagonals are numbered from the last key on.
      const first = sumRoom() + 4 * (keys - seen)
      if (seen > 0) kernels.call('diagonalSums', scratch(), count, seen, first)
      return sums.subarray(0, keys + count - 1)
    },
    blocks(width) {
      const blocks = Math.ceil(keys / width)
      const [sums, maxima] = [view(sumRoom(), blocks), view(maximumRoom(), blocks)]
      const seenBlocks = Math.ceil(seen / width)
      parallel('blockSums', [scratch(), count, seen, width, sumRoom(), maximumRoom()], seenBlocks)
      sums.fill(0, seenBlocks)
      maxima.fill(0, seenBlocks)
      return { sums, maxima }
    },
  }
}
