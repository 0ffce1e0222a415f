import {
  expectWasmBackend,
  F32_TYPES,
  type Nm,
  nm,
  outputRows,
  type PackedForm,
  type Packing,
  type ProductArguments,
  panelRunner,
  type Runner,
  StreamPacking,
  type WasmBackend,
  type WasmVariant,
} from '@nnz/core'
import * as set from '../../generated/wasm.ts'
import type { NmProblem, NmWeights } from '../../problem.ts'
import { CONTRACTS, type Contract, supportsContract } from '../contracts.ts'
import { type Cut, type RegularRows, regularRows } from '../regular-rows.ts'
import type { F32Kernel } from '../types.ts'
import { layOutPairs, pairBlockColumns } from './pair-stream.ts'
import { layOutRows, type RowGeometry, rowBlockColumns } from './row-stream.ts'

const VECTOR = 16
type Geometry = Cut & { readonly windowBytes: readonly number[] }

/** What the two ways to run whole panels differ in. */
interface Method {
  readonly name: 'rows' | 'pairs'
  /** The widest panel that the microkernel has registers for: in base SIMD a separate product needs one. */
  readonly widest: Readonly<Record<WasmVariant, number>>
  /** Vectors of a row of a panel. */
  readonly stride: number
  readonly blockColumns: (density: number) => number
  readonly layOut: (w: RegularRows) => PackedForm<Geometry>
  /** The microkernel's arguments between the stream's tables and m. */
  readonly extra: (geometry: Geometry) => number[]
}

/** One row at a time, eight vectors wide: loads each row of X once for each entry. */
const ROWS: Method = {
  name: 'rows',
  widest: { relaxed: 8, simd: 8 },
  stride: 8,
  blockColumns: rowBlockColumns,
  layOut: layOutRows,
  extra: (geometry) => [geometry.blockEntries, (geometry as RowGeometry).lastEntries],
}

/** Two rows at a time, six vectors wide: loads what both rows keep once for both. */
const PAIRS: Method = {
  name: 'pairs',
  widest: { relaxed: 6, simd: 5 },
  stride: 6,
  blockColumns: pairBlockColumns,
  layOut: layOutPairs,
  extra: () => [],
}

/** How many panels of about one width. */
function panelCount(vectors: number, widest: number): number {
  return Math.max(1, Math.ceil(vectors / widest))
}

function plan(method: Method, problem: NmProblem, packing: Packing, backend: WasmBackend): Runner<ProductArguments> {
  const { m, k } = problem
  const weights = packing as StreamPacking<Geometry>
  const { windowRows, kBlock, windowBytes } = weights.geometry
  const { stride } = method
  return panelRunner(problem, backend, {
    set,
    name: method === ROWS ? 'nmRows' : 'nmPairs',
    weights: [weights.stream, weights.table(0), ...method.extra(weights.geometry), m, k, windowRows, kBlock],
    rowBytes: windowBytes,
    inner: 'panels',
    scratchBytes: windowRows * stride * VECTOR,
    panels: (vectors) => panelCount(vectors, method.widest[backend.variant]),
    even: stride,
  })
}

/** The rows that multiply, and where their values stand among those of w. */
function rowsOf(w: NmWeights, transposed: boolean): { rows: RegularRows; order: Uint32Array | undefined } {
  if (!transposed) return { rows: regularRows(w), order: undefined }
  const { transposed: turned, order } = nm.transposition(w as Nm)
  return { rows: regularRows(turned), order: Uint32Array.from(order) }
}

function supports(problem: NmProblem, contract: Contract): true | string {
  const supported = supportsContract(problem, contract)
  if (supported !== true || contract.operation === 'nmGemm') return supported
  return problem.transposable || 'is for weights that are N:M along their columns, too'
}

function kernel(method: Method, variant: WasmVariant, contract: Contract): F32Kernel {
  const { name } = method
  const widest = method.widest[variant]
  return {
    name: `${contract.contract}__wasm_${variant}_${name}`,
    operation: contract.operation,
    backend: 'wasm',
    variant: `${variant}_${name}`,
    types: F32_TYPES,
    format: `${contract.formatPrefix}${name}`,
    dense: false,
    supports: (problem) => supports(problem, contract),
    runFeatures: (problem) => {
      const { m, k, n, nnz, pattern } = problem
      const vectors = Math.ceil(n / 4)
      const panels = panelCount(vectors, widest)
      const visits = m * Math.max(1, Math.ceil(k / method.blockColumns(pattern.n / pattern.m)))
      return [1, nnz * vectors, nnz * panels, visits * vectors, visits * panels, k * vectors, outputRows(problem) * n]
    },
    packFeatures: ({ nnz, m }) => [nnz, m],
    pack(w, { operation }, target) {
      const { rows, order } = rowsOf(w, operation === 'nmGemmTransposed')
      return new StreamPacking(expectWasmBackend(target, operation), order, () => method.layOut(rows))
    },
    plan: (problem, packing, target) => plan(method, problem, packing, expectWasmBackend(target, problem.operation)),
  }
}

/** Panels of X times rows of W, one or two at a time; where w is transposed, those of masks that are N:M along columns, too. */
export function panelKernels(variant: WasmVariant): F32Kernel[] {
  return CONTRACTS.flatMap((contract) => {
    if (contract.layout === 'nm') return [kernel(ROWS, variant, contract), kernel(PAIRS, variant, contract)]
    return contract.operation === 'nmGemm' ? [kernel(PAIRS, variant, contract)] : []
  })
}
