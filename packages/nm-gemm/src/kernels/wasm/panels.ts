import {
  expectWasmBackend,
  F32_TYPES,
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
import type { NmProblem } from '../../problem.ts'
import { type Cut, type RegularRows, regularRows } from '../regular-rows.ts'
import type { NmKernel } from '../types.ts'
import { layOutPairs, pairBlockColumns } from './pair-stream.ts'
import { layOutRows, type RowGeometry, rowBlockColumns } from './row-stream.ts'

const VECTOR = 16
type Geometry = Cut & { readonly windowBytes: readonly number[] }

/** What the two ways to run whole panels differ in. */
interface Method {
  readonly name: 'rows' | 'pairs'
  /** The widest panel that the microkernel has registers for. */
  readonly widest: number
  /** The least columns that it runs. */
  readonly least: number
  readonly blockColumns: (density: number) => number
  readonly layOut: (w: RegularRows) => PackedForm<Geometry>
  /** The microkernel's arguments between the stream's tables and m. */
  readonly extra: (geometry: Geometry) => number[]
}

/** One row at a time, eight vectors wide: loads each row of X once for each entry. */
const ROWS: Method = {
  name: 'rows',
  widest: 8,
  least: 13,
  blockColumns: rowBlockColumns,
  layOut: layOutRows,
  extra: (geometry) => [geometry.blockEntries, (geometry as RowGeometry).lastEntries],
}

/** Two rows at a time, six vectors wide: loads what both rows keep once for both. */
const PAIRS: Method = {
  name: 'pairs',
  widest: 6,
  least: 0,
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
  const { widest } = method
  return panelRunner(problem, backend, {
    set,
    name: method === ROWS ? 'nmRows' : 'nmPairs',
    weights: [weights.stream, weights.table(0), ...method.extra(weights.geometry), m, k, windowRows, kBlock],
    rowBytes: windowBytes,
    inner: 'panels',
    scratchBytes: windowRows * widest * VECTOR,
    panels: (vectors) => panelCount(vectors, widest),
    even: widest,
  })
}

function kernel(method: Method, variant: WasmVariant, layout: 'nm' | 'nmg'): NmKernel {
  const { name, widest, least } = method
  return {
    name: `nmGemm_${layout}_f32__wasm_${variant}_${name}`,
    operation: 'nmGemm',
    backend: 'wasm',
    variant: `${variant}_${name}`,
    types: F32_TYPES,
    format: name,
    dense: false,
    supports({ operation, layout: given, n }) {
      if (given !== layout) return `is for ${layout} weights, these are ${given}`
      if (operation === 'nmGemmTransposed') return 'is for w as it is, not transposed'
      return n >= least || `is for ${least} columns and more, these are ${n}`
    },
    runFeatures: (problem) => {
      const { m, k, n, nnz, pattern } = problem
      const vectors = Math.ceil(n / 4)
      const panels = panelCount(vectors, widest)
      const visits = m * Math.max(1, Math.ceil(k / method.blockColumns(pattern.n / pattern.m)))
      return [1, nnz * vectors, nnz * panels, visits * vectors, visits * panels, k * vectors, outputRows(problem) * n]
    },
    packFeatures: ({ nnz, m }) => [nnz, m],
    pack: (w, _problem, backend) =>
      new StreamPacking(expectWasmBackend(backend, 'nmGemm'), undefined, () => method.layOut(regularRows(w))),
    plan: (problem, packing, backend) => plan(method, problem, packing, expectWasmBackend(backend, problem.operation)),
  }
}

/** Panels of X times rows of W, one or two at a time. */
export function panelKernels(variant: WasmVariant): NmKernel[] {
  return [kernel(ROWS, variant, 'nm'), kernel(PAIRS, variant, 'nm'), kernel(PAIRS, variant, 'nmg')]
}
