import {
  F32_TYPES,
  type Packing,
  panelRunner,
  type Runner,
  rangeError,
  StreamPacking,
  type WasmBackend,
  type WasmVariant,
} from '@nnz/core'
import * as set from '../../generated/wasm.ts'
import type { SpmmProblem } from '../../problem.ts'
import type { F32Kernel, SpmmArguments } from '../types.ts'
import { type BlockGeometry, layOutBlocks } from './blocks.ts'
import { expectWasm } from './expect-wasm.ts'

const VECTOR = 16
/** The widest panels that the microkernel has registers for: see kernels-wasm/assembly/spmm/bsr.ts. */
const WIDEST: Record<WasmVariant, number> = { relaxed: 6, simd: 5 }

/** Width of panels in vectors: as few panels as there can be, of about one width, so that no weak narrow one is left. */
function panelWidth(vectors: number, variant: WasmVariant): number {
  return Math.max(1, Math.ceil(vectors / Math.ceil(vectors / WIDEST[variant] || 1)))
}

function plan(
  problem: SpmmProblem,
  packing: Packing,
  backend: WasmBackend,
  variant: WasmVariant,
): Runner<SpmmArguments> {
  const weights = packing as StreamPacking<BlockGeometry>
  const { blockRows, blockColumns, runBlocks, rowBytes } = weights.geometry
  return panelRunner(problem, backend, {
    set,
    name: 'spmmBsr',
    weights: [
      weights.stream,
      weights.table(0),
      weights.table(1),
      weights.table(2),
      problem.m,
      problem.k,
      blockRows,
      blockColumns,
      runBlocks,
    ],
    rowBytes,
    scratchBytes: blockRows * WIDEST[variant] * VECTOR,
    panels: (vectors) => panelWidth(vectors, variant),
  })
}

/** Whole blocks by strips of two rows: no index for single entries. */
export function bsrBlocks(variant: WasmVariant): F32Kernel {
  return {
    name: `spmm_bsr_f32__wasm_${variant}_blocks`,
    operation: 'spmm',
    backend: 'wasm',
    variant: `${variant}_blocks`,
    types: F32_TYPES,
    format: 'blocks',
    dense: false,
    supports: ({ layout }) => layout === 'bsr' || `is for bsr weights, these are ${layout}`,
    runFeatures({ m, k, n, nnz, blockShape }) {
      const [r, c] = blockShape ?? [1, 1]
      const vectors = Math.ceil(n / 4)
      const panels = Math.ceil(vectors / panelWidth(vectors, variant))
      // A strip costs as much for one row as for two.
      const columns = (nnz / r) * Math.ceil(r / 2)
      return [1, columns * vectors, columns * panels, (columns / c) * panels, m * vectors, k * vectors]
    },
    packFeatures: ({ nnz, m }) => [nnz, m],
    pack(w, _problem, target) {
      if (w.layout !== 'bsr') throw rangeError('NNZ_BACKEND', `spmm: this kernel needs bsr weights, got ${w.layout}`)
      return new StreamPacking(expectWasm(target), undefined, () => layOutBlocks(w))
    },
    plan: (problem, packing, target) => plan(problem, packing, expectWasm(target), variant),
  }
}
