import { describe, type Tensor, typeError } from '@nnz/core'
import { type BlockMask, expectBlockMask } from '../mask/block-mask.ts'
import { expectExtent } from '../mask/checks.ts'
import { expectOptions } from '../options.ts'
import type { SelectionCost, Selector } from './call.ts'

/** Options of {@link ReusedMask}. */
export interface ReusedMaskOptions {
  /** Chooses the mask, for example `(q, k) => selection.exact(q, k, { density: 0.3 })`. */
  select: Selector
  /** Steps at the beginning that have full attention: what is wrong early is wrong to the end. Default: 0. */
  fullSteps?: number | undefined
  /** Choose again after so many steps. Default: never. */
  every?: number | undefined
}

/**
 * A mask that is chosen once and serves many steps, such as those of a diffusion language model, whose heads keep their patterns
 * (SparseD, arXiv 2509.24014). One for each layer.
 */
export class ReusedMask {
  readonly #select: ReusedMaskOptions['select']
  readonly #fullSteps: number
  readonly #every: number
  #steps = 0
  #selections = 0
  #mask: BlockMask | undefined
  #cost: SelectionCost = { flops: 0, bytes: 0, nanoseconds: 0 }

  /**
   * @throws TypeError if an option is of the wrong kind
   * @throws RangeError if an option is out of range
   */
  constructor(options: ReusedMaskOptions) {
    const name = 'ReusedMask'
    expectOptions(options, name)
    if (typeof options.select !== 'function')
      throw typeError('NNZ_TYPE', `${name}: expected select to be a function, got ${describe(options.select)}`)
    this.#select = options.select
    this.#fullSteps = expectExtent(options.fullSteps ?? 0, 0, `${name}: fullSteps`)
    this.#every =
      options.every === undefined ? Number.POSITIVE_INFINITY : expectExtent(options.every, 1, `${name}: every`)
  }

  /** Steps so far. */
  get steps(): number {
    return this.#steps
  }

  /** How often a mask was chosen. */
  get selections(): number {
    return this.#selections
  }

  /** What all choices took together; divided by {@link steps}, what a step pays for them. */
  get cost(): SelectionCost {
    return this.#cost
  }

  /** The mask of the next step; undefined while attention is full: `attention(q, k, v, { mask: reused.next(q, k) })`. */
  next(q: Tensor, k: Tensor): BlockMask | undefined {
    const step = this.#steps++ - this.#fullSteps
    if (step < 0) return undefined
    if (this.#mask === undefined || (step > 0 && step % this.#every === 0)) {
      const { mask, cost } = this.#select(q, k)
      this.#mask = expectBlockMask(mask, 'ReusedMask: select')
      this.#selections++
      this.#cost = {
        flops: this.#cost.flops + cost.flops,
        bytes: this.#cost.bytes + cost.bytes,
        nanoseconds: this.#cost.nanoseconds + cost.nanoseconds,
      }
    }
    return this.#mask
  }
}
