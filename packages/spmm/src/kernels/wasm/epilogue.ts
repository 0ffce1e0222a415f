import { type StagedMatrix, tensor, type WasmBackend, type Workspace } from '@nnz/core'
import type { SpmmProblem } from '../../problem.ts'
import { applyEpilogue, applyGate } from '../activation-js.ts'
import type { SpmmArguments } from '../types.ts'

const F32 = 4

/** Where a product goes, and what happens to it then. */
export interface Epilogue {
  /** Where the product is to be written: the output itself, or room of its own where gating halves it. */
  target(y: SpmmArguments['y'], stage: () => StagedMatrix & { finish(): void }): StagedMatrix & { finish(): void }
  apply(
    product: StagedMatrix,
    y: SpmmArguments['y'],
    bias: Float32Array | undefined,
    residual: SpmmArguments['residual'],
  ): void
}

/** Bias, residual and activation of a plan. */
export function createEpilogue(problem: SpmmProblem, backend: WasmBackend, workspace: Workspace): Epilogue {
  const { m, n, activation } = problem
  const product = activation === 'swiglu' ? workspace.region(m * n * F32) : undefined
  const view = (at: StagedMatrix, rows: number, columns: number) =>
    tensor(backend.memory.f32.subarray(at.address / F32), [rows, columns], {
      strides: [at.rowStride / F32, at.columnStride / F32],
    })
  return {
    target(y, stage) {
      if (!product) return stage()
      return { address: product(), rowStride: y.shape[1] * F32, columnStride: F32, finish() {} }
    },
    apply(at, y, bias, residual) {
      const columns = y.shape[1]
      applyEpilogue(view(at, m, columns), product ? 'none' : activation, bias, product ? undefined : residual)
      if (product) applyGate(view(at, m, columns), y, residual)
    },
  }
}
