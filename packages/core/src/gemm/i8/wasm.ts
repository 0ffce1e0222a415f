import { expectWasmBackend } from '../../backends/resolve.ts'
import { stageInput, stageOutput } from '../../backends/staging.ts'
import type { WasmBackend, WasmVariant } from '../../backends/wasm.ts'
import { balancedRanges, Workspace } from '../../backends/workspace.ts'
import * as set from '../../generated/wasm-i8.ts'
import type { Packing, Runner } from '../../plan/kernel.ts'
import type { GemmArguments } from '../kernels/types.ts'
import { prefersPairs } from './dot.ts'
import { TILE_ROWS, TilePacking } from './packing.ts'
import { type GemmI8Kernel, type GemmI8Problem, I8_TYPES, MOST_COLUMNS } from './types.ts'

const F32 = 4
/** Bytes of a unit of activations. */
const UNIT_BYTES = 4
/** Values of k in a unit. */
const UNIT: Record<WasmVariant, number> = { relaxed: 4, simd: 2 }
/** Columns of a block whose scales one unit of work finds. */
const SCALE_COLUMNS = 16

/** Columns of a panel: the widest that the registers hold (kernels-wasm/assembly/core-i8/tiles.ts). */
function panelWidth(backend: WasmBackend, paired: boolean): number {
  return paired ? 4 : backend.variant === 'relaxed' ? 6 : 5
}

function plan({ m, k, n: most }: GemmI8Problem, packing: Packing, backend: WasmBackend): Runner<GemmArguments> {
  const { memory } = backend
  const kernels = backend.kernels(set)
  const weights = packing as TilePacking
  const paired = prefersPairs(backend)
  const width = panelWidth(backend, paired)
  const workspace = new Workspace(backend)
  const xRoom = workspace.region(k * most * F32)
  const parameters = workspace.region(3 * (Math.ceil(most / 4) * 4) * F32)
  const xPanels = workspace.region(Math.ceil(k / UNIT[backend.variant]) * most * UNIT_BYTES)
  const yRoom = workspace.region(m * most * F32)
  const ranges = (units: number) => balancedRanges(units, backend.threads === 1 ? 1 : 4 * backend.threads, () => 1)
  const tileRanges = ranges(Math.ceil(m / TILE_ROWS))
  return {
    workspaceBytes: workspace.bytes,
    run({ x, y }) {
      const n = x.shape[1]
      const from = stageInput(x, memory, xRoom())
      const to = stageOutput(y, memory, yRoom(), 'either')
      const source = [from.address, from.rowStride, from.columnStride, k, n]
      kernels.parallel('columnScales', [...source, parameters()], ranges(Math.ceil(n / SCALE_COLUMNS)))
      kernels.parallel('gemmI8PackX', [xPanels(), ...source, width, parameters()], ranges(Math.ceil(n / width)))
      const { address, tileBytes, groupUnits } = weights
      const product = [to.address, to.rowStride, to.columnStride, address, tileBytes, groupUnits]
      kernels.parallel('gemmI8', [...product, xPanels(), parameters(), m, n, k, width, Number(paired)], tileRanges)
      to.finish()
    },
  }
}

function row(variant: WasmVariant): GemmI8Kernel {
  const unit = UNIT[variant]
  return {
    name: `gemm_i8__wasm_${variant}_tiles`,
    operation: 'gemm',
    backend: 'wasm',
    variant: `${variant}_tiles`,
    types: I8_TYPES,
    format: 'dense-i8-tiles',
    dense: true,
    supports({ k, groupColumns }) {
      if (k > MOST_COLUMNS) return `sums of ${k} products may leave i32, those of ${MOST_COLUMNS} do not`
      return groupColumns >= k || groupColumns % unit === 0 || `is for groups of a multiple of ${unit} columns`
    },
    runFeatures: ({ m, k, n, groupColumns }) => [
      1,
      Math.ceil(m / TILE_ROWS) * TILE_ROWS * k * n,
      k * n,
      m * n,
      m * n * Math.ceil(k / groupColumns),
    ],
    packFeatures: ({ m, k }) => [m * k],
    pack: ({ matrix }, _problem, backend) => new TilePacking(expectWasmBackend(backend, 'gemm'), matrix, unit),
    plan: (problem, packing, backend) => plan(problem, packing, expectWasmBackend(backend, 'gemm')),
  }
}

/** The WASM rows, in both variants. */
export const wasmI8Kernels: readonly GemmI8Kernel[] = [row('relaxed'), row('simd')]
