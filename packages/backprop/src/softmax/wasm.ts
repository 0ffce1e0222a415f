import {
  balancedRanges,
  type Csr,
  expectWasmBackend,
  F32_TYPES,
  type Packing,
  type Runner,
  stageInput,
  stageOutput,
  tensor,
  type WasmBackend,
  WasmBlock,
  type WasmVariant,
  Workspace,
} from '@nnz/core'
import * as set from '../generated/wasm.ts'
import type { SoftmaxArguments, SoftmaxKernel, SoftmaxProblem } from './problem.ts'

/** Row offsets in WASM memory, and rows divided by their entries. */
class RowPacking implements Packing {
  readonly ranges: Int32Array
  readonly #block: WasmBlock

  constructor(backend: WasmBackend, { rowOffsets, shape }: Csr) {
    this.#block = new WasmBlock(backend, rowOffsets.byteLength)
    new Uint32Array(backend.memory.memory.buffer, this.#block.address, rowOffsets.length).set(rowOffsets)
    this.ranges = balancedRanges(
      shape[0],
      backend.threads === 1 ? 1 : 4 * backend.threads,
      (row) => rowOffsets[row + 1] - rowOffsets[row] + 1,
    )
  }

  get address(): number {
    return this.#block.address
  }

  get bytes(): number {
    return this.#block.bytes
  }

  updateValues(): void {}

  dispose(): void {
    this.#block.dispose()
  }
}

/** An f32 as the whole number of its bits: what arguments of kernels can be. */
function bitsOf(value: number): number {
  return new Int32Array(Float32Array.of(value).buffer)[0]
}

function plan({ operation, nnz }: SoftmaxProblem, packing: Packing, backend: WasmBackend): Runner<SoftmaxArguments> {
  const { memory } = backend
  const kernels = backend.kernels(set)
  const rows = packing as RowPacking
  const workspace = new Workspace(backend)
  const inputRoom = workspace.region(4 * nnz)
  const weightsRoom = workspace.region(4 * nnz)
  const outRoom = workspace.region(4 * nnz)
  return {
    run({ input, weights, scale, out }) {
      const row = (values: Float32Array) => tensor(values, [1, nnz])
      const from = stageInput(row(input), memory, inputRoom())
      const to = stageOutput(row(out), memory, outRoom(), 'rows')
      if (operation === 'sparseSoftmax') {
        kernels.parallel('softmaxRows', [rows.address, from.address, to.address, bitsOf(scale)], rows.ranges)
      } else {
        const other = stageInput(row(weights!), memory, weightsRoom())
        const args = [rows.address, other.address, from.address, to.address, bitsOf(scale)]
        kernels.parallel('softmaxBackwardRows', args, rows.ranges)
      }
      to.finish()
    },
  }
}

function row(operation: SoftmaxProblem['operation'], variant: WasmVariant): SoftmaxKernel {
  return {
    name: `${operation}_csr_f32__wasm_${variant}_rows`,
    operation,
    backend: 'wasm',
    variant: `${variant}_rows`,
    types: F32_TYPES,
    format: 'row-offsets',
    dense: false,
    supports: (problem) => problem.operation === operation || `is for ${operation}`,
    runFeatures: ({ m, nnz }) => [1, nnz, m],
    packFeatures: ({ m }) => [m],
    pack: (pattern, _problem, target) => new RowPacking(expectWasmBackend(target, operation), pattern),
    plan: (problem, packing, target) => plan(problem, packing, expectWasmBackend(target, operation)),
  }
}

const VARIANTS: readonly WasmVariant[] = ['relaxed', 'simd']

/** The WASM rows, in both variants. */
export const wasmKernels: readonly SoftmaxKernel[] = VARIANTS.flatMap((variant) => [
  row('sparseSoftmax', variant),
  row('sparseSoftmaxBackward', variant),
])
