import { balancedRanges, stageInput, type Tensor, type WasmBackend, type Workspace } from '@nnz/core'
import * as set from '../../../generated/wasm.ts'

const F32 = 4
const VECTOR = 16
/** Rows in a unit of the packing kernel. */
const PACK_ROWS = 64

/** Rows of whole vectors in WASM memory: side by side `stride` bytes apart, or in panels where the stride is 0. */
export interface StagedRows {
  readonly address: number
  readonly stride: number
}

/** Puts a matrix [rows, n] of up to `most` columns where a kernel can read its rows. */
export interface RowStage {
  /** Reads in place where rows are made of whole vectors, else packs panels of so many vectors. */
  rows(matrix: Tensor, panelVectors: number): StagedRows
  /** Packs panels of so many vectors, each without gaps. */
  panels(matrix: Tensor, panelVectors: number): StagedRows
}

/** Reserves the workspace for matrices of one height. */
export function createStage(backend: WasmBackend, workspace: Workspace, height: number, most: number): RowStage {
  const { memory } = backend
  const kernels = backend.kernels(set)
  const room = workspace.region(height * most * F32)
  const packed = workspace.region(height * Math.ceil(most / 4) * VECTOR)
  const ranges = balancedRanges(Math.ceil(height / PACK_ROWS), backend.threads === 1 ? 1 : 4 * backend.threads, () => 1)

  function panels(matrix: Tensor, panelVectors: number): StagedRows {
    const from = stageInput(matrix, memory, room())
    const to = packed()
    const args = [from.address, from.rowStride, from.columnStride, height, matrix.shape[1], panelVectors, to]
    kernels.parallel('packPanels', args, ranges)
    return { address: to, stride: 0 }
  }

  return {
    panels,
    rows(matrix, panelVectors) {
      const n = matrix.shape[1]
      if (n % 4 !== 0 || matrix.strides[1] !== 1 || matrix.strides[0] <= 0) return panels(matrix, panelVectors)
      const { address, rowStride, columnStride } = stageInput(matrix, memory, room())
      return columnStride === F32 ? { address, stride: rowStride } : panels(matrix, panelVectors)
    },
  }
}
