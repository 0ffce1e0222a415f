import {
  F32_TYPES,
  outputRows,
  type Packing,
  panelRunner,
  type Runner,
  StreamPacking,
  type WasmBackend,
  type WasmVariant,
} from '@nnz/core'
import * as set from '../../generated/wasm.ts'
import type { SpmmProblem } from '../../problem.ts'
import { entriesOf } from '../entries.ts'
import type { F32Kernel, SpmmArguments } from '../types.ts'
import { expectWasm } from './expect-wasm.ts'
import { layOutStream, type StreamGeometry, streamShape } from './stream.ts'

const VECTOR = 16
/** The widest panel that the microkernel has: see kernels-wasm/assembly/spmm/panel.ts. */
const WIDEST = 11

/** Width of panels in vectors: one panel up to 11, else about eight (with more, the K block's rows leave L1 on Zen 4). */
function panelWidth(vectors: number): number {
  if (vectors <= WIDEST) return Math.max(1, vectors)
  return Math.ceil(vectors / Math.round(vectors / 8))
}

function plan(problem: SpmmProblem, packing: Packing, backend: WasmBackend): Runner<SpmmArguments> {
  const { m, k, n } = problem
  const weights = packing as StreamPacking<StreamGeometry>
  const { windowRows, kBlock, windowBytes } = weights.geometry
  return panelRunner(problem, backend, {
    set,
    name: 'spmmCsr',
    weights: [weights.stream, weights.table(0), m, k, windowRows, kBlock],
    rowBytes: windowBytes,
    scratchBytes: windowRows * Math.min(Math.ceil(n / 4), WIDEST) * VECTOR,
    panels: panelWidth,
  })
}

/** Packed streams times packed panels: any number of columns. BSR weights run as single entries: best for small blocks. */
export function csrPanels(variant: WasmVariant, layout: 'csr' | 'bsr'): F32Kernel {
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
      const panels = Math.ceil(vectors / panelWidth(vectors))
      const { kBlock } = streamShape(m, k, nnz)
      const visits = Math.min(nnz, m * Math.max(1, Math.ceil(k / kBlock)))
      return [1, nnz * vectors, nnz * panels, visits * vectors, visits * panels, k * vectors, outputRows(problem) * n]
    },
    packFeatures: ({ nnz, m }) => [nnz, m],
    pack(w, { m, k }, target) {
      const entries = entriesOf(w)
      const shape = streamShape(m, k, entries.values.length)
      return new StreamPacking(expectWasm(target), entries.order, () => layOutStream(entries, shape))
    },
    plan: (problem, packing, target) => plan(problem, packing, expectWasm(target)),
  }
}
