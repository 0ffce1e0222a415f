import {
  balancedRanges,
  createFinish,
  F32_TYPES,
  type Packing,
  type Runner,
  StreamPacking,
  stageInput,
  type WasmBackend,
  type WasmVariant,
  Workspace,
} from '@nnz/core'
import * as set from '../../generated/wasm.ts'
import type { SpmmProblem } from '../../problem.ts'
import { entriesOf } from '../entries.ts'
import type { SpmmArguments, SpmmKernel } from '../types.ts'
import { expectWasm } from './expect-wasm.ts'
import { layOutSell, type SellGeometry } from './sell.ts'

const F32 = 4

function plan(problem: SpmmProblem, packing: Packing, backend: WasmBackend): Runner<SpmmArguments> {
  const { k } = problem
  const weights = packing as StreamPacking<SellGeometry>
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

/** Rows interleaved by four, for one column. */
export function sellColumn(variant: WasmVariant, layout: 'csr' | 'bsr'): SpmmKernel {
  return {
    name: `spmm_${layout}_f32__wasm_${variant}_sell`,
    operation: 'spmm',
    backend: 'wasm',
    variant: `${variant}_sell`,
    types: F32_TYPES,
    format: 'sell',
    dense: false,
    supports(problem) {
      if (problem.layout !== layout) return `is for ${layout} weights, these are ${problem.layout}`
      return problem.n <= 1 || `is for one column, these are ${problem.n}`
    },
    runFeatures: ({ m, k, n, nnz }) => [1, nnz * n, m * n, k * n],
    packFeatures: ({ nnz, m }) => [nnz, m],
    pack(w, { m, k }, target) {
      const entries = entriesOf(w)
      return new StreamPacking(expectWasm(target), entries.order, () => layOutSell(entries, m, k))
    },
    plan: (problem, packing, target) => plan(problem, packing, expectWasm(target)),
  }
}
