import type { BlockMask } from '../mask/block-mask.ts'
import { expectFlag } from '../patterns/values.ts'
import { BlockLists, blockCounts, type RowLimits, rowLimits } from './block-lists.ts'
import { type Budget, Chooser, expectBudget } from './budget.ts'
import type { SelectionCall } from './call.ts'
import { expectRequired, type Ranges, type RequiredBlocks } from './required.ts'
import { expectOrder, type TokenOrder } from './token-order.ts'

/** Scores of query blocks and key blocks: `data[row * stride + column]`. */
export interface BlockScores {
  readonly data: Float32Array
  readonly stride: number
}

/** How blocks are chosen once they have scores. */
export interface ChoiceOptions extends Budget, RequiredBlocks {
  /** Query heads that share a key head also share their blocks: the sum of their shares decides. Default: false. */
  sharedByGroup?: boolean | undefined
}

/** For selections that know of orders. */
export interface OrderOption {
  /** The order in which q and k are given. With `causal` pairs are those of the tokens' own places. Default: their own. */
  order?: TokenOrder | undefined
}

/** `length` scores become their softmax; scores that are all -Infinity become zeros, NaN stays. */
export function softmaxRow(values: Float32Array, from: number, length: number): void {
  let largest = Number.NEGATIVE_INFINITY
  for (let i = from; i < from + length; i++) if (values[i] > largest) largest = values[i]
  let total = 0
  for (let i = from; i < from + length; i++) {
    const weight = values[i] === Number.NEGATIVE_INFINITY ? 0 : Math.exp(values[i] - largest)
    values[i] = weight
    total += weight
  }
  if (total > 0) for (let i = from; i < from + length; i++) values[i] /= total
}

/** Makes a mask of the scores of one head after the other. */
export class BlockChooser {
  readonly #chooser: Chooser
  readonly #lists: BlockLists
  readonly #limits: readonly { limits: RowLimits; required: Ranges }[]
  readonly #group: number
  /** Whether shares of attention are needed, not only their order. */
  readonly #shares: boolean
  #sum = new Float32Array(0)
  #inGroup = 0

  constructor({ name, size, shape, group, causal }: SelectionCall, options: ChoiceOptions, given?: TokenOrder) {
    const budget = expectBudget(options, name)
    const required = expectRequired(options, causal, name)
    const shared = expectFlag(options.sharedByGroup ?? false, `${name}: sharedByGroup`)
    const order = given && expectOrder(given, shape, `${name}: order`)
    const [rows, columns] = blockCounts(size)
    this.#limits = Array.from({ length: rows }, (_, row) => {
      const limits = rowLimits(size, row, causal, order?.segment)
      return { limits, required: required(limits) }
    })
    this.#group = shared ? group : 1
    this.#shares = budget.threshold !== undefined || this.#group > 1
    this.#chooser = new Chooser(budget, columns)
    const places = order && {
      segment: order.segment,
      queriesOf: (head: number) => order.queries[head],
      // The heads of a mask are those of all batch entries, and so are key heads.
      keysOf: (head: number) => order.keys[Math.floor(head / group)],
    }
    this.#lists = new BlockLists(size, causal, places)
  }

  /** Takes the logits of the next head, which may be overwritten. */
  addLogits(scores: BlockScores): void {
    if (this.#shares)
      this.#limits.forEach(({ limits }, row) => {
        softmaxRow(scores.data, row * scores.stride, limits.end)
      })
    this.addShares(scores)
  }

  /** Takes shares of attention of the next head: not negative, in any unit. */
  addShares(scores: BlockScores): void {
    if (this.#group === 1) {
      this.#choose(scores)
      return
    }
    if (this.#inGroup === 0) this.#sum = new Float32Array(scores.data.length)
    for (let i = 0; i < this.#sum.length; i++) this.#sum[i] += scores.data[i]
    if (++this.#inGroup < this.#group) return
    for (; this.#inGroup > 0; this.#inGroup--) this.#choose({ data: this.#sum, stride: scores.stride })
  }

  #choose({ data, stride }: BlockScores): void {
    this.#limits.forEach(({ limits, required }, row) => {
      this.#chooser.choose(data, row * stride, limits.end, required)
      this.#lists.addRow(this.#chooser.chosen, this.#chooser.count)
    })
  }

  /** The mask, once every head was added. */
  finish(): BlockMask {
    return this.#lists.finish()
  }
}
