import {
  type Backend,
  type Explanation,
  expectMatrix,
  expectValues,
  isWasm,
  type Runner,
  rangeError,
  registerDispose,
  resolveBackend,
  type Tensor,
  tensor,
  transposed,
  typeError,
  zeros,
} from '@nnz/core'
import type { SparseWeights } from '@nnz/spmm'
import { expectBackwardActivation } from '../activation/activation-backward.ts'
import { createSlopes } from '../activation/create.ts'
import type { BackwardActivation } from '../activation/slopes.ts'
import type { SlopeArguments } from '../activation/types.ts'
import {
  expectAccumulate,
  expectAllApart,
  expectColumns,
  expectKernel,
  expectLayout,
  expectNeeds,
  expectOptions,
  expectPart,
  expectSameShape,
  expectShaped,
  outputTensor,
  outputValues,
} from '../checks.ts'
import { samePattern } from '../entries.ts'
import { sddmmKernels } from '../sddmm/kernels/index.ts'
import { SddmmPlan } from '../sddmm/sddmm.ts'
import { transposedKernels } from '../transposed/kernels.ts'
import { TransposedPlan } from '../transposed/plan.ts'
import { type BackwardExplanation, explainBackward } from './explanation.ts'
import type { BackwardPlanOptions, BackwardRunOptions, Gradients } from './options.ts'

const NOTHING = new Float32Array(0)

/** What is planned for a pattern: dX = Wᵀ·dZ, and dZ·Xᵀ at the entries. */
interface Parts {
  readonly input: TransposedPlan | undefined
  readonly values: SddmmPlan | undefined
}

/** A weight's backward pass, prepared to be run many times on up to `columns` columns. */
export class SpmmBackwardPlan implements Partial<Disposable> {
  declare readonly [Symbol.dispose]: () => void
  readonly #operation: 'spmmBackward' | 'linearBackward'
  readonly #options: BackwardPlanOptions
  readonly #backend: Backend
  readonly #runs: number | undefined
  readonly #activation: BackwardActivation
  readonly #needs: { readonly dx: boolean; readonly dValues: boolean; readonly dBias: boolean }
  readonly #slopes: Runner<SlopeArguments> | undefined
  /** Room for dZ. */
  readonly #room: Tensor
  #weights: SparseWeights
  #parts: Parts
  #disposed = false

  /** Use `spmmBackward.plan` or `linearBackward.plan`. `runs` is set by direct calls: packing has to pay within so many. */
  constructor(
    operation: 'spmmBackward' | 'linearBackward',
    w: SparseWeights,
    options: BackwardPlanOptions,
    runs?: number,
  ) {
    const name = runs === undefined ? `${operation}.plan` : operation
    expectOptions(options, name)
    this.#weights = expectLayout(w, `${name}: w`)
    const { columns } = options
    expectColumns(columns, name)
    this.#activation = expectBackwardActivation(options.activation, name)
    this.#operation = operation
    this.#options = options
    this.#runs = runs
    this.#backend = resolveBackend(options.backend)
    this.#needs = expectNeeds(options.needs, name)
    const { dx, dValues } = expectPart(options.kernels, `${name}: kernels`)
    expectKernel(dx, transposedKernels, `${name}: kernels.dx`)
    expectKernel(dValues, sddmmKernels, `${name}: kernels.dValues`)
    const [m] = this.#weights.shape
    const active = this.#activation !== 'none'
    if (active || this.#needs.dBias)
      this.#slopes = createSlopes({ m, n: columns, activation: this.#activation }, this.#backend)
    this.#room = active
      ? zeros([m * columns], isWasm(this.#backend) ? { backend: this.#backend } : {})
      : tensor(NOTHING, [0])
    this.#parts = this.#prepare(this.#weights)
  }

  #prepare(w: SparseWeights): Parts {
    const { columns, kernels, strictNonFinite } = this.#options
    const backend = this.#backend
    const runs = this.#runs
    const operation = this.#operation === 'linearBackward' ? 'linear' : 'spmm'
    const options = { columns, backend, kernel: kernels?.dx, strictNonFinite }
    const input = this.#needs.dx ? new TransposedPlan(operation, w, options, this.#operation, runs) : undefined
    try {
      const sampled = { columns, backend, kernel: kernels?.dValues }
      return { input, values: this.#needs.dValues ? new SddmmPlan(w, sampled, runs) : undefined }
    } catch (error) {
      input?.dispose()
      throw error
    }
  }

  #expectAlive(): void {
    if (this.#disposed) throw typeError('NNZ_DISPOSED', `${this.#operation}: the plan was used after dispose()`)
  }

  /**
   * Computes the gradients that the plan was made for.
   *
   * @param x of the forward pass: [K, N], for `linearBackward` [tokens, K]; any strides. Not read unless dValues are wanted.
   * @param dy gradients of the output: [M, N], for `linearBackward` [tokens, M]
   * @throws TypeError if an operand is not what it should be or the plan is disposed
   * @throws RangeError if shapes do not fit or an output overlaps an input
   */
  run(x: Tensor | undefined, dy: Tensor, options: BackwardRunOptions = {}): Gradients {
    const name = this.#operation
    this.#expectAlive()
    expectOptions(options, name)
    const { dx: wantsInput, dValues: wantsValues, dBias: wantsBias } = this.#needs
    const [m, k] = this.#weights.shape
    const turned = name === 'linearBackward'
    const view = (matrix: Tensor) => (turned ? transposed(matrix) : matrix)
    const slope = view(expectMatrix(dy, `${name}: dy`))
    const n = slope.shape[1]
    const shape = (rows: number) => (turned ? [n, rows] : [rows, n])
    expectShaped(dy, shape(m), `${name}: dy`)
    if (n > this.#options.columns)
      throw rangeError(
        'NNZ_SHAPE',
        `${name}: dy has ${n} ${turned ? 'rows' : 'columns'}, the plan is for at most ${this.#options.columns}`,
      )
    const input = wantsValues ? expectShaped(x, shape(k), `${name}: x`) : undefined
    const before =
      this.#activation === 'none' ? undefined : expectShaped(options.preActivation, shape(m), `${name}: preActivation`)
    const out = expectPart(options.out, `${name}: out`)
    const sums = {
      ...(wantsValues && { 'out.dValues': out.dValues }),
      ...(wantsBias && { 'out.dBias': out.dBias }),
    }
    const adds = expectAccumulate(options.accumulate, sums, name)
    const dx = wantsInput ? outputTensor(out.dx, shape(k), `${name}: out.dx`) : zeros([0, 0])
    const count = this.#weights.values.length
    const dValues = wantsValues ? outputValues(out.dValues, count, `${name}: out.dValues`) : NOTHING
    const dBias = wantsBias ? outputValues(out.dBias, m, `${name}: out.dBias`) : NOTHING
    const outputs = { 'out.dx': dx, 'out.dValues': dValues, 'out.dBias': dBias }
    expectAllApart(outputs, { x: input, dy, preActivation: before }, name)

    const earlier = adds && wantsBias ? dBias.slice() : undefined
    const dz = before ? tensor(this.#room.data.subarray(0, m * n), shape(m)) : dy
    this.#slopes?.run({
      dy: slope,
      preActivation: before && view(before),
      dz: before && view(dz),
      dBias: wantsBias ? dBias : undefined,
    })
    earlier?.forEach((value, i) => {
      dBias[i] += value
    })
    this.#parts.input?.run(dz, { out: dx })
    if (input) this.#parts.values?.run(view(dz), transposed(view(input)), { out: dValues, accumulate: adds })
    return { dx, dValues, dBias }
  }

  /**
   * Replaces the values of w, in its canonical order; the pattern stays, and with it all that was packed of it.
   *
   * @throws RangeError if there are not as many values as w has
   */
  updateValues(values: ArrayLike<number>): void {
    this.#expectAlive()
    const data = expectValues(values, this.#weights.values.length, this.#operation)
    this.#parts.input?.updateValues(data)
  }

  /**
   * Takes weights with another pattern, of the same shape and layout. Where entries stand at the same places only their
   * values are taken.
   *
   * @throws RangeError if shape or layout differ
   */
  updatePattern(w: SparseWeights): void {
    this.#expectAlive()
    const next = expectLayout(w, `${this.#operation}: w`)
    expectSameShape(this.#weights, next, this.#operation)
    if (samePattern(this.#weights, next)) {
      this.updateValues(next.values)
      return
    }
    const parts = this.#prepare(next)
    this.#release()
    this.#weights = next
    this.#parts = parts
  }

  /** How each gradient is computed, and why; flops, bytes and packed bytes. */
  explain(): BackwardExplanation {
    this.#expectAlive()
    const parts: Record<string, Explanation | undefined> = {
      dx: this.#parts.input?.explain(),
      dValues: this.#parts.values?.explain(),
    }
    return explainBackward(this.#operation, parts, this.#parts.input?.indexBytes ?? 0, this.#room.data.byteLength)
  }

  #release(): void {
    this.#parts.input?.dispose()
    this.#parts.values?.dispose()
  }

  /** Releases everything that the plan owns. Also done when the plan is forgotten. */
  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#release()
    if ('dispose' in this.#room) (this.#room as unknown as { dispose(): void }).dispose()
  }
}

registerDispose(SpmmBackwardPlan.prototype)
