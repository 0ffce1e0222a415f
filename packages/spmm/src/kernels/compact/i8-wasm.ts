import {
  balancedRanges,
  type CompactBsr,
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
import * as set from '../../generated/wasm-i8.ts'
import type { CompactWeights, SpmmProblem } from '../../problem.ts'
import type { SpmmArguments, SpmmKernel } from '../types.ts'
import { expectWasm } from '../wasm/expect-wasm.ts'
import { CompactPacking } from './compact-packing.ts'
import { type I8Geometry, layOutFours, layOutQuads } from './i8-stream.ts'
import { otherValues, requantised } from './values.ts'

const F32 = 4
/** Columns of a vector of bytes. */
const VECTOR = 16
/** Columns of a panel of fours, and bytes of a column's unit there. */
const PANEL_COLUMNS = 32
const UNIT_BYTES = 4
/** Rows of x in a unit of packing. */
const PACK_ROWS = 64

/** What the two ways to store entries have of their own: the packing of x, and the product. */
interface Way {
  /** Bytes of x, packed. */
  readonly panelBytes: number
  readonly pack: (source: readonly number[], parameters: number, panels: number) => void
  readonly name: string
  /** Arguments between those of the weights and the parameters of the columns. */
  readonly activations: (panels: number, n: number) => readonly number[]
  /** Bytes of the sums of a row. */
  readonly rowBytes: number
}

function parallelism(backend: WasmBackend): number {
  return backend.threads === 1 ? 1 : 4 * backend.threads
}

function ranges(units: number, backend: WasmBackend): Int32Array {
  return balancedRanges(units, parallelism(backend), () => 1)
}

/** x as rows of bytes. */
function quadsWay({ k, n: most }: SpmmProblem, backend: WasmBackend): Way {
  const vectors = most > VECTOR ? 2 : 1
  const packRanges = ranges(Math.ceil(k / PACK_ROWS), backend)
  return {
    panelBytes: k * (most + VECTOR),
    pack(source, parameters, panels) {
      backend.kernels(set).parallel('packBytes', [...source, vectors, parameters, panels], packRanges)
    },
    name: 'spmmI8Quads',
    activations: (panels, n) => [panels, n, vectors],
    rowBytes: vectors * VECTOR * F32,
  }
}

/** x by fours of k. */
function foursWay({ k, n: most }: SpmmProblem, backend: WasmBackend): Way {
  const unit = backend.variant === 'relaxed' ? 4 : 2
  return {
    // The kernel reads whole vectors, and whole fours of k.
    panelBytes: (Math.ceil(k / unit) + 1) * most * UNIT_BYTES + PANEL_COLUMNS * F32,
    pack(source, parameters, panels) {
      const n = source[4]
      const args = [panels, ...source, PANEL_COLUMNS, parameters]
      backend.kernels(set).parallel('gemmI8PackX', args, ranges(Math.ceil(n / PANEL_COLUMNS), backend))
    },
    name: 'spmmI8Fours',
    activations: (panels, n) => [panels, n],
    rowBytes: PANEL_COLUMNS * F32,
  }
}

function plan(problem: SpmmProblem, packing: Packing, backend: WasmBackend, way: Way): Runner<SpmmArguments> {
  const { m, k, n: most, orientation } = problem
  const { memory } = backend
  const kernels = backend.kernels(set)
  const weights = packing as CompactPacking<I8Geometry>
  const { windowRows, kBlocks } = weights.geometry
  const workspace = new Workspace(backend)
  const parts = parallelism(backend)
  const paired = Number(prefersPairs(backend))
  const xRoom = workspace.region(k * most * F32)
  // Whole vectors of columns are read.
  const parameters = workspace.region((3 * (most + 4) + PANEL_COLUMNS) * F32)
  const panels = workspace.region(way.panelBytes)
  const scratch = workspace.region(parts * windowRows * way.rowBytes)
  const finish = createFinish(problem, backend, workspace)
  const partRanges = ranges(parts, backend)
  return {
    run(args) {
      const { x } = args
      const n = x.shape[1]
      const from = stageInput(x, memory, xRoom())
      const source = [from.address, from.rowStride, from.columnStride, k, n]
      kernels.parallel('columnScales', [...source, parameters()], ranges(Math.ceil(n / VECTOR), backend))
      way.pack(source, parameters(), panels())
      finish(args, orientation === 'tokens' ? 'columns' : 'rows', (to) => {
        const byRows = to.columnStride === F32
        const packed = [weights.stream, weights.table(0), weights.table(1), kBlocks, m, k, windowRows]
        const activations = [...way.activations(panels(), n), parameters(), paired]
        const target = [to.address, byRows ? to.rowStride : to.columnStride, Number(!byRows)]
        kernels.parallel(way.name, [...packed, ...activations, ...target, scratch(), parts], partRanges)
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
      return new CompactPacking(expectWasm(target), layOutQuads(weights), (values) =>
        layOutQuads(requantised(weights, values)),
      )
    },
    plan(problem, packing, target) {
      const backend = expectWasm(target)
      return plan(problem, packing, backend, quadsWay(problem, backend))
    },
  }
}

/** Blocks whose width is a multiple of four: the dot product takes four neighbours as they are. */
export function i8Fours(variant: WasmVariant): SpmmKernel {
  return {
    ...i8Quads(variant, 'bsr'),
    name: `spmm_bsr_i8__wasm_${variant}_fours`,
    variant: `${variant}_fours`,
    format: 'i8-fours',
    supports({ valueType, layout, blockShape, groupColumns, k }) {
      if (valueType !== 'i8') return otherValues('i8', valueType)
      if (layout !== 'bsr' || !blockShape) return `is for bsr weights, these are ${layout}`
      if (blockShape[1] % 4 !== 0) return `is for blocks of a multiple of 4 columns, these have ${blockShape[1]}`
      const whole = groupColumns === undefined || groupColumns >= k || groupColumns % 4 === 0
      return whole || `is for scales of a multiple of 4 columns, these are for ${groupColumns}`
    },
    runFeatures: ({ m, k, n, nnz }) => {
      const vectors = Math.ceil(n / 4)
      return [1, nnz * vectors, m * vectors, k * vectors]
    },
    pack(w, _problem, target) {
      const weights = w as CompactBsr
      return new CompactPacking(expectWasm(target), layOutFours(weights), (values) =>
        layOutFours(requantised(weights, values) as CompactBsr),
      )
    },
    plan(problem, packing, target) {
      const backend = expectWasm(target)
      return plan(problem, packing, backend, foursWay(problem, backend))
    },
  }
}
