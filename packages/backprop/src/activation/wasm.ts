import {
  balancedRanges,
  type Runner,
  stageInputAs,
  stageOutput,
  type Tensor,
  tensor,
  transposed,
  type WasmBackend,
  Workspace,
} from '@nnz/core'
import * as set from '../generated/wasm.ts'
import type { BackwardActivation } from './slopes.ts'
import type { SlopeArguments, SlopeProblem } from './types.ts'

const F32 = 4
/** The numbers of kernels-wasm/assembly/lib/activation.ts. */
const CODES: Record<BackwardActivation, number> = { none: 0, relu: 1, gelu: 2, 'gelu-tanh': 3, silu: 4 }
/** Columns in a unit of `sumColumns`. */
const SUM_COLUMNS = 64
/** Below so many elements, waking a worker costs more than it saves. */
const PARALLEL_ELEMENTS = 32768

/** dz = dy · slope(z) and its sums, in WASM. Token-major operands are rows of tokens, whose columns are summed. */
export function slopesWasm({ m, n: most, activation }: SlopeProblem, backend: WasmBackend): Runner<SlopeArguments> {
  const { memory } = backend
  const kernels = backend.kernels(set)
  const workspace = new Workspace(backend)
  const elements = m * most * F32
  const dyRoom = workspace.region(elements)
  const zRoom = workspace.region(activation === 'none' ? 0 : elements)
  const dzRoom = workspace.region(elements)
  const sumsRoom = workspace.region(m * F32)

  function forUnits(name: string, args: readonly number[], units: number, work: number): void {
    const parts = work < PARALLEL_ELEMENTS || backend.threads === 1 ? 1 : 4 * backend.threads
    kernels.parallel(
      name,
      args,
      balancedRanges(units, parts, () => 1),
    )
  }

  return {
    run({ dy, preActivation, dz, dBias }) {
      const turned = dy.strides[1] !== 1 && dy.strides[0] === 1
      const view = (matrix: Tensor) => (turned ? transposed(matrix) : matrix)
      const [rows, columns] = view(dy).shape
      const from = stageInputAs(view(dy), memory, dyRoom(), 'rows', false)
      const before = preActivation && stageInputAs(view(preActivation), memory, zRoom(), 'rows', false)
      const to = dz && stageOutput(view(dz), memory, dzRoom(), 'rows')
      const sums = dBias && stageOutput(tensor(dBias, [1, m]), memory, sumsRoom(), 'rows')
      const rowSums = sums && !turned ? sums.address : 0
      const code = before ? CODES[activation] : 0
      if (to || rowSums !== 0) {
        const target = [to?.address ?? 0, to?.rowStride ?? 0, columns, rowSums, code]
        const args = [from.address, from.rowStride, before?.address ?? 0, before?.rowStride ?? 0, ...target]
        forUnits('slopeRows', args, rows, rows * columns)
      }
      if (sums && turned) {
        const summed = to ?? from
        const args = [summed.address, summed.rowStride, rows, columns, sums.address]
        forUnits('sumColumns', args, Math.ceil(columns / SUM_COLUMNS), rows * columns)
      }
      to?.finish()
      sums?.finish()
    },
  }
}
