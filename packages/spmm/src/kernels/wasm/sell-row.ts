import {
  balancedRanges,
  createFinish,
  F32_TYPES,
  type HalfValues,
  type Packing,
  type Runner,
  StreamPacking,
  stageInput,
  type WasmBackend,
  type WasmVariant,
  Workspace,
} from '@nnz/core'
import * as set from '../../generated/wasm.ts'
import type { CompactWeights, SpmmProblem } from '../../problem.ts'
import { CompactPacking } from '../compact/compact-packing.ts'
import { inOrder, isHalf, otherValues, requantised } from '../compact/values.ts'
import { entriesOf, structureOf } from '../entries.ts'
import type { F32Kernel, SpmmArguments, SpmmKernel } from '../types.ts'
import { expectWasm } from './expect-wasm.ts'
import { layOutSell, type SellGeometry } from './sell.ts'

const F32 = 4

/** How the microkernel calls types of values. */
const TYPES = { f32: 0, bf16: 1, f16: 2 } as const

/** Weights as the microkernel reads them. */
interface SellPacking extends Packing {
  readonly geometry: SellGeometry
  readonly stream: number
  table(i: number): number
}

function plan(problem: SpmmProblem, packing: Packing, backend: WasmBackend): Runner<SpmmArguments> {
  const { k, valueType = 'f32' } = problem
  const weights = packing as SellPacking
  const { slices, kBlocks, kBlock, sliceBytes } = weights.geometry
  const { memory } = backend
  const kernels = backend.kernels(set)
  const workspace = new Workspace(backend)
  const xRoom = workspace.region(k * F32)
  const xBlocks = workspace.region(kBlocks * (kBlock + 4) * F32)
  const finish = createFinish(problem, backend, workspace)
  const parts = balancedRanges(
    slices,
    backend.threads === 1 ? 1 : 4 * backend.threads,
    (slice) => sliceBytes[slice] + 1,
  )
  return {
    run(args) {
      const { x } = args
      if (x.shape[1] === 0) return
      const from = stageInput(x, memory, xRoom())
      kernels.call('packColumn', from.address, from.rowStride, k, kBlock, xBlocks(), 0, kBlocks)
      finish(args, 'rows', (to) => {
        kernels.parallel(
          'spmvSell',
          [
            TYPES[valueType as keyof typeof TYPES],
            weights.stream,
            weights.table(0),
            weights.table(1),
            slices,
            kBlocks,
            kBlock,
            xBlocks(),
            to.address,
            to.rowStride,
          ],
          parts,
        )
      })
    },
  }
}

function supports({ layout, n }: SpmmProblem, wanted: 'csr' | 'bsr'): true | string {
  if (layout !== wanted) return `is for ${wanted} weights, these are ${layout}`
  return n <= 1 || `is for one column, these are ${n}`
}

/** Rows interleaved by four, for one column. */
export function sellColumn(variant: WasmVariant, layout: 'csr' | 'bsr'): F32Kernel {
  return {
    name: `spmm_${layout}_f32__wasm_${variant}_sell`,
    operation: 'spmm',
    backend: 'wasm',
    variant: `${variant}_sell`,
    types: F32_TYPES,
    format: 'sell',
    dense: false,
    supports: (problem) => supports(problem, layout),
    runFeatures: ({ m, k, n, nnz }) => [1, nnz * n, m * n, k * n],
    packFeatures: ({ nnz, m }) => [nnz, m],
    pack(w, { m, k }, target) {
      const { values, order, ...structure } = entriesOf(w)
      const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
      return new StreamPacking(expectWasm(target), order, () => layOutSell({ ...structure, order }, bits, m, k))
    },
    plan: (problem, packing, target) => plan(problem, packing, expectWasm(target)),
  }
}

/** The same with values of 16 bits: where the bytes of the weights bind, a third of them is saved. */
export function halfSellColumn(variant: WasmVariant, layout: 'csr' | 'bsr'): SpmmKernel {
  return {
    ...sellColumn(variant, layout),
    name: `spmm_${layout}_half__wasm_${variant}_sell`,
    types: { ...F32_TYPES, weights: 'half' },
    format: 'sell-half',
    supports: (problem) =>
      isHalf(problem) ? supports(problem, layout) : otherValues('f16 or bf16', problem.valueType),
    pack(w, { m, k }, target) {
      const structure = structureOf(w)
      const layOut = ({ values }: CompactWeights) =>
        layOutSell(structure, inOrder((values as HalfValues).data, structure.order), m, k)
      const weights = w as CompactWeights
      return new CompactPacking(expectWasm(target), layOut(weights), (values) => layOut(requantised(weights, values)))
    },
  }
}
