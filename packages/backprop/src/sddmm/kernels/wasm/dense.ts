import {
  balancedRanges,
  expectWasmBackend,
  F32_TYPES,
  type Packing,
  type Runner,
  stageInput,
  type WasmBackend,
  type WasmVariant,
  Workspace,
} from '@nnz/core'
import * as set from '../../../generated/wasm.ts'
import type { SddmmProblem } from '../../problem.ts'
import type { SddmmArguments, SddmmKernel } from '../types.ts'
import { createResults } from './results.ts'
import { Structure } from './structure.ts'

const F32 = 4
/** Rows of a tile of the dense kernel, columns of its panels, and tiles of a strip: see kernels-wasm/assembly. */
const TILE_ROWS = 6
const PANEL_COLUMNS = 8
const STRIP_TILES = 8

function plan(problem: SddmmProblem, packing: Packing, backend: WasmBackend): Runner<SddmmArguments> {
  const { m, k, n: most, nnz, layout, blockShape = [1, 1] } = problem
  const pattern = packing as Structure
  const { memory } = backend
  const kernels = backend.kernels(set)
  const workspace = new Workspace(backend)
  const tiles = Math.ceil(m / TILE_ROWS)
  const wanted = backend.threads === 1 ? 1 : 4 * backend.threads
  const tileRanges = balancedRanges(tiles, wanted, () => 1)
  const panelRanges = balancedRanges(Math.ceil(k / PANEL_COLUMNS), wanted, () => 1)
  const parts = tileRanges.length / 2
  const bounds = Int32Array.from({ length: parts + 1 }, (_, i) => (i < parts ? tileRanges[2 * i] : tiles))
  const partRanges = balancedRanges(parts, parts, () => 1)
  const aRoom = workspace.region(m * most * F32)
  const bRoom = workspace.region(k * most * F32)
  const aTiles = workspace.region(tiles * TILE_ROWS * most * F32)
  const bPanels = workspace.region(k * most * F32)
  const scratch = workspace.region(parts * STRIP_TILES * TILE_ROWS * k * F32)
  const boundsRoom = workspace.region(bounds.byteLength)
  const results = createResults(backend, workspace, nnz, pattern.outside)
  return {
    run(args) {
      const { a, b } = args
      const n = a.shape[1]
      const left = stageInput(a, memory, aRoom())
      kernels.parallel('gemmPackA', [aTiles(), left.address, left.rowStride, left.columnStride, m, n], tileRanges)
      const right = stageInput(b, memory, bRoom())
      // b is [K, N] here: the columns of the product are its rows.
      kernels.parallel('gemmPackB', [bPanels(), right.address, right.columnStride, right.rowStride, n, k], panelRanges)
      memory.i32.set(bounds, boundsRoom() / F32)
      results(args, (address, add) => {
        // Elements of edge blocks beyond the shape are written by nobody.
        if (layout === 'bsr' && add === 0) memory.f32.fill(0, address / F32, address / F32 + nnz)
        const shape = [pattern.rowOffsets, pattern.columns, m, k, ...blockShape]
        const operands = [aTiles(), bPanels(), n, address, add, scratch(), boundsRoom()]
        kernels.parallel('sddmmDense', [...shape, ...operands], partRanges)
      })
    },
  }
}

/** The dense product, of which the entries are kept: a strip of rows at a time. */
export function denseStrips(variant: WasmVariant, layout: 'csr' | 'bsr'): SddmmKernel {
  return {
    name: `sddmm_${layout}_f32__wasm_${variant}_strips_dense`,
    operation: 'sddmm',
    backend: 'wasm',
    variant: `${variant}_strips_dense`,
    types: F32_TYPES,
    format: 'sddmm-structure',
    dense: true,
    supports: (problem) => problem.layout === layout || `is for ${layout} patterns, this is ${problem.layout}`,
    runFeatures({ m, k, n, nnz }) {
      const rows = Math.ceil(m / TILE_ROWS) * TILE_ROWS
      return [1, rows * k * n, m * k, nnz, (m + k) * n]
    },
    packFeatures: ({ nnz }) => [nnz],
    pack: (pattern, _problem, target) => new Structure(expectWasmBackend(target, 'sddmm'), pattern),
    plan: (problem, packing, target) => plan(problem, packing, expectWasmBackend(target, 'sddmm')),
  }
}
