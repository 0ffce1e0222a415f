import {
  balancedRanges,
  createFinish,
  expectWasmBackend,
  I8_TYPES,
  type Packing,
  type ProductArguments,
  prefersPairs,
  type Runner,
  stageInput,
  type WasmBackend,
  type WasmVariant,
  Workspace,
} from '@nnz/core'
import * as set from '../../generated/wasm.ts'
import type { CompactNmWeights, NmProblem } from '../../problem.ts'
import { otherValues } from '../compact/values.ts'
import { supportsContract } from '../contracts.ts'
import type { NmKernel } from '../types.ts'
import { layOutQuads, type QuadGeometry } from './i8-quads.ts'
import { RewrittenPacking } from './rewritten-packing.ts'

const F32 = 4
/** Columns of a vector of bytes. */
const VECTOR = 16
/** Rows of x in a unit of packing. */
const PACK_ROWS = 64

function plan(problem: NmProblem, packing: Packing, backend: WasmBackend): Runner<ProductArguments> {
  const { m, k, n: most, orientation } = problem
  const { memory } = backend
  const kernels = backend.kernels(set)
  const weights = packing as RewrittenPacking<QuadGeometry>
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
      const blocks = balancedRanges(Math.ceil(n / VECTOR), parts, () => 1)
      kernels.parallel('columnScales', [...source, parameters()], blocks)
      kernels.parallel('packBytes', [...source, vectors, parameters(), panels()], packRanges)
      finish(args, orientation === 'tokens' ? 'columns' : 'rows', (to) => {
        const byRows = to.columnStride === F32
        const packed = [weights.stream, weights.table(0), weights.table(1), kBlocks, m, k, windowRows]
        const activations = [panels(), n, vectors, parameters(), Number(prefersPairs(backend))]
        const target = [to.address, byRows ? to.rowStride : to.columnStride, Number(!byRows)]
        kernels.parallel('nmI8', [...packed, ...activations, ...target, scratch(), parts], partRanges)
      })
    },
  }
}

function kernel(variant: WasmVariant, layout: 'nm' | 'nmg'): NmKernel {
  const contract = { operation: 'nmGemm', layout, contract: `nmGemm_${layout}_i8`, formatPrefix: '' } as const
  return {
    name: `${contract.contract}__wasm_${variant}_quads`,
    operation: 'nmGemm',
    backend: 'wasm',
    variant: `${variant}_quads`,
    types: I8_TYPES,
    format: 'i8-quads',
    dense: false,
    supports: (problem) =>
      problem.valueType === 'i8' ? supportsContract(problem, contract) : otherValues('i8', problem),
    runFeatures: ({ m, k, n, nnz }) => {
      const vectors = Math.ceil(n / VECTOR)
      return [1, nnz * vectors, m * vectors, k * vectors]
    },
    packFeatures: ({ nnz, m }) => [nnz, m],
    pack: (w, _problem, target) =>
      new RewrittenPacking(expectWasmBackend(target, 'nmGemm'), w as CompactNmWeights, layOutQuads),
    plan: (problem, packing, target) => plan(problem, packing, expectWasmBackend(target, 'nmGemm')),
  }
}

/** Entries of i8 by quads, whatever their columns are: any pattern, any number of columns, any scales. */
export function panelI8Kernels(variant: WasmVariant): NmKernel[] {
  return [kernel(variant, 'nm'), kernel(variant, 'nmg')]
}
