import type { Tensor } from '@nnz/core'
import { expectExtent } from '../mask/checks.ts'
import { runsOf } from '../patterns/segments.ts'
import { expectFlag } from '../patterns/values.ts'
import { BlockLists } from './block-lists.ts'
import { type Budget, Chooser, expectBudget } from './budget.ts'
import { expectCall, type Selection, type SelectionCall, type SelectionOptions } from './call.ts'
import { addLineBlocks, type Lines, linePairs } from './lines.ts'
import { addTo, openSampler, type Sampler, sampleAll } from './sampling.ts'

/** Options of selections that keep lines. */
export interface LineOptions extends SelectionOptions {
  /** Keep just the pairs on the lines. Default: false, every block that a line meets is kept whole, which costs no more. */
  pairs?: boolean | undefined
}

/** Options of `selection.verticalSlash`. */
export interface VerticalSlashOptions extends LineOptions {
  /** Columns that are kept. */
  vertical: Budget
  /** Diagonals that are kept. */
  slash: Budget
  /** How many of the last queries are looked at. Default: 64. */
  lastQueries?: number | undefined
  /** Columns at the beginning that stay. Default: 0. */
  sinks?: number | undefined
  /** Diagonals that stay, from that of a query's own key back. Default: 1 with `causal`, else 0. */
  window?: number | undefined
}

/** Sums of attention weights along columns and diagonals. */
export interface LineSums {
  readonly columns: Float32Array
  /** Entry i: positions that exceed the key's by i + 1 - (the number of queries). */
  readonly diagonals: Float32Array
}

/** Chooses the columns and diagonals of one head after the other by the attention of its last queries. */
export class LineChooser {
  readonly #call: SelectionCall
  readonly #queries: readonly number[]
  readonly #vertical: Chooser
  readonly #slash: Chooser
  readonly #sinks: number
  readonly #window: number

  constructor(call: SelectionCall, options: VerticalSlashOptions) {
    const { name, shape, causal } = call
    const { sinks = 0, window = causal ? 1 : 0, lastQueries = 64 } = options
    expectExtent(lastQueries, 1, `${name}: lastQueries`)
    this.#call = call
    this.#sinks = expectExtent(sinks, 0, `${name}: sinks`)
    this.#window = expectExtent(window, 0, `${name}: window`)
    const count = Math.min(lastQueries, shape.tokens)
    this.#queries = Array.from({ length: count }, (_, i) => shape.tokens - count + i)
    this.#vertical = new Chooser(expectBudget(options.vertical, `${name}: vertical`), shape.keys)
    this.#slash = new Chooser(expectBudget(options.slash, `${name}: slash`), shape.keys + shape.tokens)
  }

  /** Sums of the last queries' attention along columns and diagonals, and what `visit` takes of each sampling. */
  sample(sampler: Sampler, batch: number, head: number, visit: () => void = () => {}): LineSums {
    const { keys } = this.#call.shape
    const columns = new Float32Array(keys)
    const diagonals = new Float32Array(Math.max(0, keys + this.#queries.length - 1))
    sampleAll(sampler, this.#call, batch, head, this.#queries, (first) => {
      addTo(columns, sampler.columns())
      addTo(diagonals, sampler.diagonals(), first)
      visit()
    })
    return { columns, diagonals }
  }

  /** The lines of a head. */
  choose({ columns, diagonals }: LineSums): Lines {
    const { shape, causal } = this.#call
    this.#vertical.choose(columns, 0, columns.length, [[0, this.#sinks]])
    const vertical = this.#vertical.chosen.slice(0, this.#vertical.count)
    // Entry i of the diagonals has the distance i + first; the last query stands at the last key.
    const first = 1 - this.#queries.length
    const begin = causal ? -first : 0
    this.#slash.choose(diagonals, begin, diagonals.length - begin, [[-first - begin, -first - begin + this.#window]])
    const entries = this.#slash.chosen.subarray(0, this.#slash.count)
    const distances = runsOf(entries.map((entry) => entry + begin)).map(
      ([from, end]) => [from + first, end + first] as const,
    )
    return shape.keys === 0 ? { columns: [], distances: [] } : { columns: vertical, distances }
  }
}

/** The mask of the lines of each head. */
export function maskOfLines(call: SelectionCall, heads: readonly Lines[], pairs: boolean | undefined): Selection {
  const exact = expectFlag(pairs ?? false, `${call.name}: pairs`)
  if (exact) {
    const mask = linePairs(call, heads, call.name)
    return { mask, cost: call.meter.cost }
  }
  const lists = new BlockLists(call.size, call.causal)
  for (const lines of heads) addLineBlocks(call, lines, lists)
  const mask = lists.finish()
  return { mask, cost: call.meter.cost }
}

/**
 * Keeps the columns and the diagonals that the last queries attend to most: the vertical-slash pattern of MInference (arXiv
 * 2407.02490). Blocks of few keys, such as [64, 16], cost less where columns are far apart.
 *
 * @param q [heads, tokens, headDim] or [batch, heads, tokens, headDim]
 * @param k the same with keyHeads and keys
 * @returns a mask for each head (of each batch entry) and what it took; memory grows with tokens * 64
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes or options do not fit
 */
export function verticalSlash(q: Tensor, k: Tensor, options: VerticalSlashOptions): Selection {
  const call = expectCall(q, k, options, 'selection.verticalSlash')
  const chooser = new LineChooser(call, options)
  const sampler = openSampler(call.backend, call)
  const { batch, heads } = call.shape
  const lines = Array.from({ length: batch * heads }, (_, i) =>
    chooser.choose(chooser.sample(sampler, Math.floor(i / heads), i % heads)),
  )
  return maskOfLines(call, lines, options.pairs)
}
