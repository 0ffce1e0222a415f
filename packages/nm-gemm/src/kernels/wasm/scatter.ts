import {
  expectWasmBackend,
  F32_TYPES,
  type Packing,
  type ProductArguments,
  panelRunner,
  type Runner,
  StreamPacking,
  type WasmBackend,
  type WasmVariant,
} from '@nnz/core'
import * as set from '../../generated/wasm.ts'
import type { NmProblem } from '../../problem.ts'
import { CONTRACTS, type Contract, supportsContract } from '../contracts.ts'
import { regularRows } from '../regular-rows.ts'
import type { F32Kernel } from '../types.ts'
import { layOutRows, type RowGeometry } from './row-stream.ts'

const VECTOR = 16
const WIDEST = 8

function panelCount(vectors: number): number {
  return Math.max(1, Math.ceil(vectors / WIDEST))
}

function plan(problem: NmProblem, packing: Packing, backend: WasmBackend): Runner<ProductArguments> {
  // The problem's rows are the columns of w.
  const { m: width, k: height } = problem
  const weights = packing as StreamPacking<RowGeometry>
  const { blockEntries, lastEntries, windowRows, kBlock, kBlocks } = weights.geometry
  const blocks = width === 0 ? 0 : kBlocks
  return panelRunner(problem, backend, {
    set,
    name: 'nmScatter',
    weights: [weights.stream, weights.table(0), blockEntries, lastEntries, height, width, windowRows, kBlock],
    rowBytes: Array.from({ length: blocks }, (_, block) => Math.min(kBlock, width - block * kBlock)),
    scratchBytes: kBlock * WIDEST * VECTOR,
    panels: panelCount,
    even: WIDEST,
  })
}

function kernel(variant: WasmVariant, contract: Contract): F32Kernel {
  return {
    name: `${contract.contract}__wasm_${variant}_scatter`,
    operation: contract.operation,
    backend: 'wasm',
    variant: `${variant}_scatter`,
    types: F32_TYPES,
    // The packing that `rows` multiplies with: a layer's forward and backward pass hold one.
    format: 'rows',
    dense: false,
    supports: (problem) => supportsContract(problem, contract),
    runFeatures: ({ m, k, n, nnz }) => {
      const vectors = Math.ceil(n / 4)
      return [1, nnz * vectors, nnz * panelCount(vectors), k * vectors, m * n]
    },
    packFeatures: ({ nnz, k }) => [nnz, k],
    pack: (w, problem, target) =>
      new StreamPacking(expectWasmBackend(target, problem.operation), undefined, () => layOutRows(regularRows(w))),
    plan: (problem, packing, target) => plan(problem, packing, expectWasmBackend(target, problem.operation)),
  }
}

/** The transposed product for any mask, through the packed rows of w. */
export function scatterKernels(variant: WasmVariant): F32Kernel[] {
  return CONTRACTS.filter(({ operation }) => operation === 'nmGemmTransposed').map((contract) =>
    kernel(variant, contract),
  )
}
