// A row of the table of kernels: what to support, how to pack, how to run. CONTRIBUTING.md says where each line goes.
import {
  balancedRanges,
  createFinish,
  type Entries,
  F32_TYPES,
  type KernelSet,
  type Packing,
  reorder,
  stageInput,
  type WasmBackend,
  WasmBlock,
  type WasmVariant,
  Workspace,
} from '@nnz/core'
import { entriesOf } from '../../packages/spmm/src/kernels/entries.ts'
import type { F32Kernel } from '../../packages/spmm/src/kernels/types.ts'
import { expectWasm } from '../../packages/spmm/src/kernels/wasm/expect-wasm.ts'

const BYTES = 4

/** The weights as the microkernel reads them: row offsets, column indices, values. */
class SkeletonPacking implements Packing {
  readonly rowOffsets: number
  readonly columnIndices: number
  readonly values: number
  readonly #block: WasmBlock
  readonly #entries: Entries

  constructor(entries: Entries, backend: WasmBackend) {
    const { memory } = backend
    const { rowOffsets, columnIndices, values } = entries
    this.#entries = entries
    this.#block = new WasmBlock(backend, BYTES * (rowOffsets.length + 2 * values.length))
    this.rowOffsets = this.#block.address
    this.columnIndices = this.rowOffsets + BYTES * rowOffsets.length
    this.values = this.columnIndices + BYTES * columnIndices.length
    memory.i32.set(rowOffsets, this.rowOffsets / BYTES)
    memory.i32.set(columnIndices, this.columnIndices / BYTES)
    memory.f32.set(values, this.values / BYTES)
  }

  get bytes(): number {
    return this.#block.bytes
  }

  /** `values` stand in the layout's canonical order, the packing's in the order of entries. */
  updateValues(values: Float32Array): void {
    const first = (this.values - this.#block.address) / BYTES
    this.#block.f32.set(reorder(values, this.#entries.order), first)
  }

  dispose(): void {
    this.#block.dispose()
  }
}

/** The row. In a package the set is not an argument: it is `import * as set from '../../generated/wasm.ts'`. */
export function skeleton(variant: WasmVariant, layout: 'csr' | 'bsr', set: KernelSet): F32Kernel {
  return {
    name: `spmm_${layout}_f32__wasm_${variant}_skeleton`,
    operation: 'spmm',
    backend: 'wasm',
    variant: `${variant}_skeleton`,
    types: F32_TYPES,
    format: 'skeleton',
    dense: false,
    supports: (problem) => problem.layout === layout || `is for ${layout} weights, these are ${problem.layout}`,
    // What the time of a run and of packing grows with: `nnz-bench tune` finds the nanoseconds of each.
    runFeatures: ({ m, n, nnz }) => [1, nnz * n, m * n],
    packFeatures: ({ nnz, m }) => [nnz, m],
    pack: (w, _problem, backend) => new SkeletonPacking(entriesOf(w), expectWasm(backend)),
    plan(problem, packing, target) {
      const backend = expectWasm(target)
      const weights = packing as SkeletonPacking
      const { memory, threads } = backend
      const kernels = backend.kernels(set)
      const workspace = new Workspace(backend)
      const room = workspace.region(problem.k * problem.n * BYTES)
      const finish = createFinish(problem, backend, workspace)
      const rows = balancedRanges(problem.m, threads, () => 1)
      return {
        run(args) {
          const x = stageInput(args.x, memory, room())
          finish(args, 'either', (y) => {
            kernels.parallel(
              'spmmSkeleton',
              [
                weights.rowOffsets,
                weights.columnIndices,
                weights.values,
                x.address,
                x.rowStride,
                x.columnStride,
                args.x.shape[1],
                y.address,
                y.rowStride,
                y.columnStride,
              ],
              rows,
            )
          })
        },
      }
    },
  }
}
