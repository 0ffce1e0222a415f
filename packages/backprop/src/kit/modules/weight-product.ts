import { type Csr, csr, gemm, type Tensor, tensor, transposed, zeros } from '@nnz/core'
import { linear, type SpmmPlan } from '@nnz/spmm'
import { linearBackward } from '../../backward/backward.ts'
import type { SpmmBackwardPlan } from '../../backward/plan.ts'
import { patternAt, positionsOf } from '../../masks/pattern.ts'
import { type SddmmPlan, sddmm } from '../../sddmm/sddmm.ts'
import type { Parameter } from '../parameter.ts'
import { gatherColumns } from './gather.ts'

/** Both products of a backward pass; what was not asked for is undefined. */
export interface ProductGradients {
  readonly dx: Tensor | undefined
  readonly gradient: Float32Array | undefined
}

/** x·wᵀ and its gradients with a weight as a parameter holds it now: dense, or packed sparse. */
export class WeightProduct {
  readonly #weight: Parameter
  #sparse: SparseProduct | undefined

  constructor(weight: Parameter) {
    this.#weight = weight
  }

  #product(columns: number): SparseProduct | undefined {
    const { csr: w } = this.#weight
    if (this.#sparse && (this.#sparse.w !== w || this.#sparse.columns < columns)) this.dispose()
    if (w) this.#sparse ??= new SparseProduct(w, columns)
    return this.#sparse
  }

  /** [tokens, inputs] to [tokens, outputs]; the bias joins in where the kernel can. */
  forward(x: Tensor, bias: Float32Array | undefined): Tensor {
    const sparse = this.#product(x.shape[0])
    if (sparse) return sparse.forward(x, bias, this.#weight)
    const { value } = this.#weight
    const y = zeros([x.shape[0], value.shape[0]])
    gemm(x, transposed(value), { out: y })
    if (bias) addBias(y, bias)
    return y
  }

  /** What of x the gradient of the trained elements needs. */
  needed(x: Tensor): Tensor | undefined {
    const { trained, count } = this.#weight
    if (count === 0) return undefined
    return trained.what === 'columns' ? gatherColumns(x, trained.indices) : x
  }

  /** @param x what {@link needed} returned in the forward pass */
  backward(dy: Tensor, x: Tensor | undefined, input: boolean): ProductGradients {
    const sparse = this.#product(dy.shape[0])
    if (sparse) return sparse.backward(dy, x, input, this.#weight)
    const { value } = this.#weight
    return { dx: input ? gemm(dy, value) : undefined, gradient: x && this.#denseGradient(dy, x) }
  }

  #denseGradient(dy: Tensor, x: Tensor): Float32Array {
    const { trained, value } = this.#weight
    if (trained.what === 'entries') {
      const [rows, columns] = value.shape
      const pattern = csr({
        ...patternAt([rows, columns], trained.indices),
        values: new Float32Array(this.#weight.count),
      })
      return sddmm(transposed(dy), x, pattern).values
    }
    const slopes = trained.what === 'rows' ? gatherColumns(dy, trained.indices) : dy
    return gemm(transposed(slopes), x).data
  }

  get packedBytes(): number {
    return this.#sparse?.packedBytes ?? 0
  }

  /** Releases the plans; they are made again when they are needed. */
  dispose(): void {
    this.#sparse?.dispose()
    this.#sparse = undefined
  }
}

function addBias(y: Tensor, bias: Float32Array): void {
  const values = y.data
  for (let i = 0; i < values.length; ) for (let j = 0; j < bias.length; j++) values[i++] += bias[j]
}

/** Plans of one sparse weight for up to `columns` tokens, made when they are first needed. */
class SparseProduct {
  readonly w: Csr
  readonly columns: number
  #forward: { plan: SpmmPlan; version: number } | undefined
  #backward: { plan: SpmmBackwardPlan; version: number; needs: string } | undefined
  #chosen: { plan: SddmmPlan; entries: Uint32Array } | undefined

  constructor(w: Csr, columns: number) {
    this.w = w
    this.columns = columns
  }

  forward(x: Tensor, bias: Float32Array | undefined, weight: Parameter): Tensor {
    this.#forward ??= { plan: linear.plan(this.w, { columns: this.columns }), version: -1 }
    const { plan, version } = this.#forward
    // A fresh plan may share a packing that was made of older values.
    if (version !== weight.version) plan.updateValues(weight.value.data)
    this.#forward.version = weight.version
    return plan.run(x, { bias })
  }

  backward(dy: Tensor, x: Tensor | undefined, input: boolean, weight: Parameter): ProductGradients {
    const { trained } = weight
    const all = x !== undefined && trained.what === 'all'
    const { dx, dValues } = input || all ? this.#both(dy, x, { dx: input, dValues: all }, weight) : NONE
    return {
      dx: input ? dx : undefined,
      gradient: all ? dValues : x && trained.what === 'entries' ? this.#some(dy, x, trained.indices) : undefined,
    }
  }

  #both(dy: Tensor, x: Tensor | undefined, needs: { dx: boolean; dValues: boolean }, weight: Parameter) {
    const key = `${needs.dx} ${needs.dValues}`
    if (this.#backward?.needs !== key) {
      this.#backward?.plan.dispose()
      const plan = linearBackward.plan(this.w, { columns: this.columns, needs })
      this.#backward = { plan, version: -1, needs: key }
    }
    const { plan, version } = this.#backward
    if (version !== weight.version) plan.updateValues(weight.value.data)
    this.#backward.version = weight.version
    return plan.run(x, dy)
  }

  /** The gradient of chosen entries: sampled at them alone. */
  #some(dy: Tensor, x: Tensor, entries: Uint32Array): Float32Array {
    if (this.#chosen?.entries !== entries) {
      this.#chosen?.plan.dispose()
      const positions = positionsOf(this.w)
      const pattern = patternAt(
        this.w.shape,
        entries.map((entry) => positions[entry]),
      )
      const plan = sddmm.plan(csr({ ...pattern, values: new Float32Array(entries.length) }), { columns: this.columns })
      this.#chosen = { plan, entries }
    }
    return this.#chosen.plan.run(transposed(dy), x)
  }

  get packedBytes(): number {
    const plans = [this.#forward?.plan, this.#backward?.plan, this.#chosen?.plan]
    return plans.reduce((sum, plan) => sum + (plan?.explain().packedBytes ?? 0), 0)
  }

  dispose(): void {
    this.#forward?.plan.dispose()
    this.#backward?.plan.dispose()
    this.#chosen?.plan.dispose()
  }
}

const NONE = { dx: tensor([], [0, 0]), dValues: new Float32Array(0) }
