import { type Backend, type Csr, expectWasmBackend, type Kernel, type Packing, type ProductArguments } from '@nnz/core'
import { type SparseWeights, type SpmmProblem, kernels as spmmKernels } from '@nnz/spmm'
import { permute, type Transposition } from '../entries.ts'
import { TransposedStream } from './stream.ts'

/** A row of `spmm` that multiplies by a transposed matrix. */
export type TransposedKernel = Kernel<SpmmProblem, Transposition<SparseWeights>, ProductArguments>

/** A packing of the transposed matrix whose values come in the order of the matrix itself. */
class Permuted implements Packing {
  readonly inner: Packing
  readonly #order: Uint32Array
  #values: Float32Array | undefined

  constructor(inner: Packing, order: Uint32Array) {
    this.inner = inner
    this.#order = order
  }

  get bytes(): number {
    return this.inner.bytes + (this.#values?.byteLength ?? 0)
  }

  updateValues(values: Float32Array): void {
    this.#values ??= new Float32Array(this.#order.length)
    this.inner.updateValues(permute(values, this.#order, this.#values))
  }

  dispose(): void {
    this.inner.dispose()
  }
}

type SpmmRow = Kernel<SpmmProblem, SparseWeights, ProductArguments>

function packTransposed(
  row: SpmmRow,
  t: Transposition<SparseWeights>,
  problem: SpmmProblem,
  backend: Backend,
): Packing {
  if (row.format === 'stream' && t.weights.layout === 'csr' && row.backend === 'wasm')
    return new TransposedStream(expectWasmBackend(backend, row.operation), t as Transposition<Csr>)
  return new Permuted(row.pack(t.weights, problem, backend), t.order)
}

/** The rows of `spmm` for f32 weights, for transposed ones. */
export const transposedKernels: readonly TransposedKernel[] = (spmmKernels as readonly SpmmRow[])
  .filter(({ types }) => types.weights === 'f32')
  .map((row) => ({
    ...row,
    pack: (t, problem, backend) => packTransposed(row, t, problem, backend),
    plan: (problem, packing, backend) =>
      row.plan(problem, packing instanceof Permuted ? packing.inner : packing, backend),
  }))
