import { expectWasmBackend } from '../../backends/resolve.ts'
import { stageInput, stageOutput } from '../../backends/staging.ts'
import type { WasmBackend, WasmVariant } from '../../backends/wasm.ts'
import { balancedRanges, WasmBlock, Workspace } from '../../backends/workspace.ts'
import * as set from '../../generated/wasm.ts'
import { F32_TYPES, type Packing, type Runner } from '../../plan/kernel.ts'
import { type Tensor, tensor } from '../../tensor.ts'
import type { GemmProblem } from '../problem.ts'
import type { GemmArguments, GemmKernel, GemmWeights } from './types.ts'

const F32 = 4
const TILE_ROWS = 6
const PANEL_COLUMNS = 8

/** Ranges for the threads of a backend: a few parts for each, since the host may be busy elsewhere. */
function ranges(units: number, backend: WasmBackend): Int32Array {
  return balancedRanges(units, backend.threads === 1 ? 1 : 4 * backend.threads, () => 1)
}

/** Dense weights in one of the packed forms. */
class DensePacking implements Packing {
  readonly #backend: WasmBackend
  readonly #block: WasmBlock
  readonly #shape: readonly number[]
  readonly #fill: (from: { address: number; rowStride: number; columnStride: number }, to: number) => void

  constructor(
    backend: WasmBackend,
    matrix: Tensor,
    bytes: number,
    fill: (from: { address: number; rowStride: number; columnStride: number }, to: number) => void,
  ) {
    this.#backend = backend
    this.#block = new WasmBlock(backend, bytes)
    this.#shape = matrix.shape
    this.#fill = fill
    this.#pack(matrix)
  }

  #pack(matrix: Tensor): void {
    const [m, k] = this.#shape
    const room = new WasmBlock(this.#backend, m * k * F32)
    try {
      this.#fill(stageInput(matrix, this.#backend.memory, room.address), this.#block.address)
    } finally {
      room.dispose()
    }
  }

  get address(): number {
    return this.#block.address
  }

  get bytes(): number {
    return this.#block.bytes
  }

  updateValues(values: Float32Array): void {
    this.#pack(tensor(values, this.#shape))
  }

  dispose(): void {
    this.#block.dispose()
  }
}

/** Weights in tiles of six rows, activations in panels of eight columns. */
function panels(variant: WasmVariant): GemmKernel {
  return {
    ...row(variant, 'panels', 'tiles'),
    supports: () => true,
    runFeatures: ({ m, k, n }) => {
      const rows = Math.ceil(m / TILE_ROWS) * TILE_ROWS
      const tail = n % PANEL_COLUMNS
      // Four columns take about as long as two panels of two (768x768: 0.11 against 0.06 ms).
      const narrow = 2 * (tail >> 2) + ((tail >> 1) & 1) + (tail & 1)
      return [1, rows * k * (n - tail), rows * k * narrow, k * n, m * n]
    },
    pack({ matrix }: GemmWeights, { m, k }, target) {
      const backend = expectWasmBackend(target, 'gemm')
      const tiles = Math.ceil(m / TILE_ROWS)
      return new DensePacking(backend, matrix, tiles * TILE_ROWS * k * F32, (from, to) => {
        backend.kernels(set).call('gemmPackA', to, from.address, from.rowStride, from.columnStride, m, k, 0, tiles)
      })
    },
    plan({ m, k, n: most }, packing, target): Runner<GemmArguments> {
      const backend = expectWasmBackend(target, 'gemm')
      const { memory } = backend
      const kernels = backend.kernels(set)
      const weights = (packing as DensePacking).address
      const workspace = new Workspace(backend)
      const xRoom = workspace.region(k * most * F32)
      const xPanels = workspace.region(k * most * F32)
      const yRoom = workspace.region(m * most * F32)
      const tileRanges = ranges(Math.ceil(m / TILE_ROWS), backend)
      return {
        workspaceBytes: workspace.bytes,
        run({ x, y }) {
          const n = x.shape[1]
          const from = stageInput(x, memory, xRoom())
          const to = stageOutput(y, memory, yRoom(), 'rows')
          const packed = xPanels()
          kernels.call(
            'gemmPackB',
            packed,
            from.address,
            from.rowStride,
            from.columnStride,
            k,
            n,
            0,
            Math.ceil(n / PANEL_COLUMNS),
          )
          kernels.parallel('gemm', [to.address, to.rowStride, weights, packed, m, n, k], tileRanges)
          to.finish()
        },
      }
    },
  }
}

/** Token-major: yᵀ = xᵀ·wᵀ, so that neither x nor y is transposed. Weights in panels of eight rows. */
function tokens(variant: WasmVariant): GemmKernel {
  return {
    ...row(variant, 'tokens', 'panels'),
    supports: ({ orientation }) => orientation === 'tokens' || 'is for token-major activations',
    runFeatures: ({ m, k, n }) => [1, Math.ceil(n / TILE_ROWS) * TILE_ROWS * k * m, k * n, m * n],
    pack({ matrix }: GemmWeights, { m, k }, target) {
      const backend = expectWasmBackend(target, 'gemm')
      return new DensePacking(backend, matrix, m * k * F32, (from, to) => {
        backend
          .kernels(set)
          .call('gemmPackB', to, from.address, from.columnStride, from.rowStride, k, m, 0, Math.ceil(m / PANEL_COLUMNS))
      })
    },
    plan({ m, k, n: most }, packing, target): Runner<GemmArguments> {
      const backend = expectWasmBackend(target, 'gemm')
      const { memory } = backend
      const kernels = backend.kernels(set)
      const weights = (packing as DensePacking).address
      const workspace = new Workspace(backend)
      const xRoom = workspace.region(k * most * F32)
      const xTiles = workspace.region(Math.ceil(most / TILE_ROWS) * TILE_ROWS * k * F32)
      const yRoom = workspace.region(m * most * F32)
      return {
        workspaceBytes: workspace.bytes,
        run({ x, y }) {
          const n = x.shape[1]
          const tiles = Math.ceil(n / TILE_ROWS)
          const from = stageInput(x, memory, xRoom())
          const to = stageOutput(y, memory, yRoom(), 'columns')
          const packed = xTiles()
          kernels.call('gemmPackA', packed, from.address, from.columnStride, from.rowStride, n, k, 0, tiles)
          kernels.parallel('gemm', [to.address, to.columnStride, packed, weights, n, m, k], ranges(tiles, backend))
          to.finish()
        },
      }
    },
  }
}

/** One column on unpacked weights: bound by the bytes of the weights, which packing would read and write once more. */
function gemv(variant: WasmVariant): GemmKernel {
  return {
    ...row(variant, 'gemv', 'rows'),
    supports: ({ n }: GemmProblem) => n <= 1 || `is for one column, these are ${n}`,
    runFeatures: ({ m, k, n }) => [1, m * k * n, k * n],
    pack({ matrix }: GemmWeights, { m, k }, target) {
      const backend = expectWasmBackend(target, 'gemm')
      return new DensePacking(backend, matrix, m * k * F32, (from, to) => {
        const { f32 } = backend.memory
        for (let i = 0; i < m; i++) {
          const start = (from.address + i * from.rowStride) / F32
          const step = from.columnStride / F32
          const at = to / F32 + i * k
          if (step === 1) f32.copyWithin(at, start, start + k)
          else for (let j = 0; j < k; j++) f32[at + j] = f32[start + j * step]
        }
      })
    },
    plan({ m, k }, packing, target): Runner<GemmArguments> {
      const backend = expectWasmBackend(target, 'gemm')
      const { memory } = backend
      const kernels = backend.kernels(set)
      const weights = (packing as DensePacking).address
      const workspace = new Workspace(backend)
      const xRoom = workspace.region(k * F32)
      const xColumn = workspace.region(k * F32)
      const yRoom = workspace.region(m * F32)
      const groups = ranges(Math.ceil(m / 4), backend)
      return {
        workspaceBytes: workspace.bytes,
        run({ x, y }) {
          if (x.shape[1] === 0) return
          const from = stageInput(x, memory, xRoom())
          const to = stageOutput(y, memory, yRoom(), 'either')
          const contiguous = from.rowStride === F32
          const column = contiguous ? from.address : xColumn()
          if (!contiguous)
            kernels.call('gemmPackB', column, from.address, from.rowStride, from.columnStride, k, 1, 0, 1)
          kernels.parallel('gemv', [to.address, to.rowStride, weights, k * F32, column, m, k], groups)
          to.finish()
        },
      }
    },
  }
}

function row(variant: WasmVariant, method: string, format: string) {
  return {
    name: `gemm_f32__wasm_${variant}_${method}`,
    operation: 'gemm',
    backend: 'wasm',
    variant: `${variant}_${method}`,
    types: F32_TYPES,
    format: `dense-${format}`,
    dense: true,
    packFeatures: ({ m, k }: GemmProblem) => [m * k],
  }
}

const VARIANTS: readonly WasmVariant[] = ['relaxed', 'simd']

/** The WASM rows, in both variants. */
export const wasmKernels: readonly GemmKernel[] = VARIANTS.flatMap((variant) => [
  panels(variant),
  tokens(variant),
  gemv(variant),
])
