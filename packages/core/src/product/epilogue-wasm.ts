import { type Order, type StagedMatrix, stageInputAs, stageOutput } from '../backends/staging.ts'
import type { WasmBackend } from '../backends/wasm.ts'
import { balancedRanges, type Workspace } from '../backends/workspace.ts'
import * as set from '../generated/wasm.ts'
import { overlaps, type Tensor } from '../tensor.ts'
import { type Activation, outputRows } from './activation.ts'
import type { ProductArguments, ProductProblem } from './problem.ts'

const F32 = 4
/** The numbers of kernels-wasm/assembly/lib/activation.ts; gating is a kernel of its own. */
const CODES: Record<Activation, number> = { none: 0, relu: 1, gelu: 2, 'gelu-tanh': 3, silu: 4, swiglu: 0 }
/** Below so many elements, waking a worker costs more than it saves. */
const PARALLEL_ELEMENTS = 32768

/** Writes a product and what follows it: `multiply` gets the place for the plain product, in the order asked for. */
export type Finish = (
  args: Pick<ProductArguments, 'y' | 'bias' | 'residual'>,
  order: Order,
  multiply: (product: StagedMatrix) => void,
) => void

/** Bias, residual and activation of a plan, applied in place while the product is in the cache. */
export function createFinish(problem: ProductProblem, backend: WasmBackend, workspace: Workspace): Finish {
  const { m, n: most, activation } = problem
  const { memory } = backend
  const kernels = backend.kernels(set)
  const gated = activation === 'swiglu'
  const height = outputRows(problem)
  const yRoom = workspace.region(height * most * F32)
  const productRoom = gated ? workspace.region(m * most * F32) : yRoom
  const biasRoom = workspace.region(m * F32)
  const residualRoom = workspace.region(height * most * F32)

  function forRows(name: string, args: readonly number[], rows: number, columns: number): void {
    const parts = rows * columns < PARALLEL_ELEMENTS ? 1 : backend.threads
    kernels.parallel(
      name,
      args,
      balancedRanges(rows, parts, () => 1),
    )
  }

  /** In place: y = activation(y + bias + residual). Tokens are the rows of a column-major product. */
  function follow(
    at: StagedMatrix,
    columns: number,
    bias: number,
    added: StagedMatrix | undefined,
    code: number,
  ): void {
    if (bias === 0 && !added && code === 0) return
    if (at.columnStride === F32) {
      forRows(
        'epilogue',
        [at.address, at.rowStride, columns, bias, added?.address ?? 0, added?.rowStride ?? 0, code],
        m,
        columns,
      )
    } else {
      forRows(
        'epilogueTokens',
        [at.address, at.columnStride, m, bias, added?.address ?? 0, added?.columnStride ?? 0, code],
        columns,
        m,
      )
    }
  }

  function gate(product: StagedMatrix, to: StagedMatrix, columns: number, added: StagedMatrix | undefined): void {
    const byRows = product.columnStride === F32
    const up = product.address + height * product.rowStride
    const [outer, inner] = byRows ? [height, columns] : [columns, height]
    const stride = (matrix: StagedMatrix) => (byRows ? matrix.rowStride : matrix.columnStride)
    const args = [to.address, stride(to), product.address, stride(product), up, stride(product), inner]
    forRows('gateSilu', [...args, added?.address ?? 0, added ? stride(added) : 0], outer, inner)
  }

  return ({ y, bias, residual }, order, multiply) => {
    const columns = y.shape[1]
    const to = stageOutput(y, memory, yRoom(), order)
    const byRows = to.columnStride === F32
    // Before the product is written: y may be the residual itself.
    const added =
      residual && stageInputAs(residual, memory, residualRoom(), byRows ? 'rows' : 'columns', shares(residual, y))
    if (bias) memory.f32.set(bias, biasRoom() / F32)
    const biasAddress = bias ? biasRoom() : 0
    if (gated) {
      const product = {
        address: productRoom(),
        rowStride: byRows ? columns * F32 : F32,
        columnStride: byRows ? F32 : m * F32,
      }
      multiply(product)
      follow(product, columns, biasAddress, undefined, 0)
      gate(product, to, columns, added)
    } else {
      multiply(to)
      follow(to, columns, biasAddress, added, CODES[activation])
    }
    to.finish()
  }
}

function shares(residual: Tensor, y: Tensor): boolean {
  return overlaps(residual, y)
}
