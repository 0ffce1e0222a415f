import {
  balancedRanges,
  F32_TYPES,
  type Packing,
  type Runner,
  stageInput,
  type WasmBackend,
  type WasmVariant,
  Workspace,
} from '@nnz/core'
import * as set from '../../generated/wasm.ts'
import { outputRows, type SpmmProblem } from '../../problem.ts'
import { entriesOf } from '../entries.ts'
import type { SpmmArguments, SpmmKernel } from '../types.ts'
import { createFinish } from './epilogue.ts'
import { expectWasm } from './expect-wasm.ts'
import { layOutStream, type StreamGeometry, streamShape } from './stream.ts'
import { StreamPacking } from './stream-packing.ts'

const F32 = 4
const VECTOR = 16
/** Rows of X in a unit of the packing kernel. */
const PACK_ROWS = 64
/** Panels of a group share a window's sums while they are in L2; X of a group should be there, too. */
const GROUP_BYTES = 512 * 1024
const MOST_GROUP_PANELS = 4
/** What spmmCsr writes: see kernels-wasm/assembly/spmm/csr.ts. */
const OUTPUT = { direct: 0, rows: 1, tokens: 2 }

/** Width of panels in vectors: one panel up to 11, else about eight (with more, the K block's rows leave L1 on Zen 4). */
function panelVectors(vectors: number): number {
  if (vectors <= 11) return Math.max(1, vectors)
  return Math.ceil(vectors / Math.round(vectors / 8))
}

/** Fills `bounds` with the first unit of each part, and the end: units are groups x windows, weighted by their bytes. */
function partition(windowBytes: readonly number[], groups: number, parts: number, bounds: Int32Array): void {
  const windows = windowBytes.length
  const ranges = balancedRanges(windows * groups, parts, (unit) => windowBytes[unit % windows] + 1)
  bounds.fill(windows * groups)
  for (let part = 0; part < ranges.length / 2; part++) bounds[part] = ranges[2 * part]
}

function plan(problem: SpmmProblem, packing: Packing, backend: WasmBackend): Runner<SpmmArguments> {
  const { m, k, n: most, operation } = problem
  const weights = packing as StreamPacking<StreamGeometry>
  const { windowRows, kBlock, windowBytes } = weights.geometry
  const { memory } = backend
  const kernels = backend.kernels(set)
  const workspace = new Workspace(backend)
  const vectorsOfMost = Math.ceil(most / 4)
  const parts = backend.threads === 1 ? 1 : 4 * backend.threads
  const xRoom = workspace.region(k * most * F32)
  const xPanels = workspace.region(k * vectorsOfMost * VECTOR)
  const scratch = workspace.region(parts * windowRows * Math.min(vectorsOfMost, 11 * MOST_GROUP_PANELS) * VECTOR)
  const boundsRoom = workspace.region((parts + 1) * 4)
  const finish = createFinish(problem, backend, workspace)
  const bounds = new Int32Array(parts + 1)
  const packRanges = balancedRanges(Math.ceil(k / PACK_ROWS), parts, () => 1)
  const partRanges = balancedRanges(parts, parts, () => 1)
  let partitioned = -1
  return {
    run(args) {
      const { x } = args
      const n = x.shape[1]
      const vectors = Math.ceil(n / 4)
      const width = panelVectors(vectors)
      const fitting = Math.floor(GROUP_BYTES / Math.max(1, k * width * VECTOR))
      const groupPanels = Math.max(
        1,
        Math.min(MOST_GROUP_PANELS, fitting, Math.floor(vectors / width / backend.threads)),
      )
      const groups = Math.ceil(Math.ceil(vectors / width) / groupPanels)
      if (partitioned !== groups) {
        partition(windowBytes, groups, parts, bounds)
        partitioned = groups
      }
      memory.i32.set(bounds, boundsRoom() / 4)
      const from = stageInput(x, memory, xRoom())
      kernels.parallel(
        'packPanels',
        [from.address, from.rowStride, from.columnStride, k, n, width, xPanels()],
        packRanges,
      )
      finish(args, operation === 'linear' ? 'columns' : 'rows', (to) => {
        const byRows = to.columnStride === F32
        const output = !byRows ? OUTPUT.tokens : n % 4 === 0 ? OUTPUT.direct : OUTPUT.rows
        const yStride = byRows ? to.rowStride : to.columnStride
        kernels.parallel(
          'spmmCsr',
          // biome-ignore format: the order of the microkernel's parameters, a line for each operand
          [
            weights.stream, weights.table(0), m, k, windowRows, kBlock,
            xPanels(), n, width, groupPanels,
            to.address, yStride, output, scratch(), boundsRoom(),
          ],
          partRanges,
        )
      })
    },
  }
}

/** Packed streams times packed panels: any number of columns. */
export function csrPanels(variant: WasmVariant, layout: 'csr' | 'bsr'): SpmmKernel {
  return {
    name: `spmm_${layout}_f32__wasm_${variant}_panels`,
    operation: 'spmm',
    backend: 'wasm',
    variant: `${variant}_panels`,
    types: F32_TYPES,
    format: 'stream',
    dense: false,
    supports: (problem) => problem.layout === layout || `is for ${layout} weights, these are ${problem.layout}`,
    runFeatures: (problem) => {
      const { m, k, n, nnz } = problem
      const vectors = Math.ceil(n / 4)
      const panels = Math.ceil(vectors / panelVectors(vectors))
      const { kBlock } = streamShape(m, k, nnz)
      const visits = Math.min(nnz, m * Math.max(1, Math.ceil(k / kBlock)))
      return [1, nnz * vectors, nnz * panels, visits * vectors, visits * panels, k * vectors, outputRows(problem) * n]
    },
    packFeatures: ({ nnz, m }) => [nnz, m],
    pack(w, { m, k }, target) {
      const entries = entriesOf(w)
      const shape = streamShape(m, k, entries.values.length)
      return new StreamPacking(expectWasm(target), entries, () => layOutStream(entries, shape))
    },
    plan: (problem, packing, target) => plan(problem, packing, expectWasm(target)),
  }
}
