import {
  balancedRanges,
  createFinish,
  I8_TYPES,
  type Packing,
  prefersPairs,
  type Runner,
  stageInput,
  type WasmBackend,
  type WasmVariant,
  Workspace,
} from '@nnz/core'
import * as set from '../../generated/wasm.ts'
import type { CompactWeights, SpmmProblem } from '../../problem.ts'
import type { SpmmArguments, SpmmKernel } from '../types.ts'
import { expectWasm } from '../wasm/expect-wasm.ts'
import { CompactPacking } from './compact-packing.ts'
import { type I8Geometry, layOutI8 } from './i8-stream.ts'
import { otherValues, requantised } from './values.ts'

const F32 = 4
/** Columns of a vector of bytes. */
const VECTOR = 16
/** Rows of x in a unit of packing. */
const PACK_ROWS = 64

function plan(problem: SpmmProblem, packing: Packing, backend: WasmBackend): Runner<SpmmArguments> {
  const { m, k, n: most, orientation } = problem
  const { memory } = backend
  const kernels = backend.kernels(set)
  const weights = packing as CompactPacking<I8Geometry>
  const { windowRows, kBlocks } = weights.geometry
  const vectors = most > VECTOR ? 2 : 1
  const workspace = new Workspace(backend)
  const parts = backend.threads === 1 ? 1 : 4 * backend.threads
  const xRoom = workspace.region(k * most * F32)
  // Whole vectors of columns are read.
  const parameters = workspace.region((3 * (most + 4) + VECTOR) * F32)
  const panels = workspace.region(k * (most + VECTOR))
  const scratch = workspace.region(parts * windowRows * vectors * VECTOR * F32)
  const finish = createFinish(problem, backend, workspace)
  const partRanges = balancedRanges(parts, parts, () => 1)
  const packRanges = balancedRanges(Math.ceil(k / PACK_ROWS), parts, () => 1)
  return {
    run(args) {
      const { x } = args
      const n = x.shape[1]
      const from = stageInput(x, memory, xRoom())
      const source = [from.address, from.rowStride, from.columnStride, k, n]
      kernels.parallel(
        'columnScales',
        [...source, parameters()],
        balancedRanges(Math.ceil(n / VECTOR), parts, () => 1),
      )
      kernels.parallel('packBytes', [...source, vectors, parameters(), panels()], packRanges)
      finish(args, orientation === 'tokens' ? 'columns' : 'rows', (to) => {
        const byRows = to.columnStride === F32
        const packed = [weights.stream, weights.table(0), weights.table(1), kBlocks, m, k, windowRows]
        const activations = [panels(), n, vectors, parameters(), Number(prefersPairs(backend))]
        const target = [to.address, byRows ? to.rowStride : to.columnStride, Number(!byRows)]
        kernels.parallel('spmmI8', [...packed, ...activations, ...target, scratch(), parts], partRanges)
      })
    },
  }
}

/** Entries by quads, whatever their columns are. BSR weights run as single entries. */
export function i8Quads(variant: WasmVariant, layout: 'csr' | 'bsr'): SpmmKernel {
  return {
    name: `spmm_${layout}_i8__wasm_${variant}_quads`,
    operation: 'spmm',
    backend: 'wasm',
    variant: `${variant}_quads`,
    types: I8_TYPES,
    format: 'i8-quads',
    dense: false,
    supports(problem) {
      if (problem.valueType !== 'i8') return otherValues('i8', problem.valueType)
      return problem.layout === layout || `is for ${layout} weights, these are ${problem.layout}`
    },
    runFeatures: ({ m, k, n, nnz }) => {
      const vectors = Math.ceil(n / VECTOR)
      return [1, nnz * vectors, m * vectors, k * vectors]
    },
    packFeatures: ({ nnz, m }) => [nnz, m],
    pack: (w, _problem, target) => {
      const weights = w as CompactWeights
      return new CompactPacking(expectWasm(target), layOutI8(weights), (values) =>
        layOutI8(requantised(weights, values)),
      )
    },
    plan: (problem, packing, target) => plan(problem, packing, expectWasm(target)),
  }
}
