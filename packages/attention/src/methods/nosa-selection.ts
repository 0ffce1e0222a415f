import { gemm, rangeError, type Tensor, tensor, zeros } from '@nnz/core'
import type { BlockMask } from '../mask/block-mask.ts'
import { expectExtent } from '../mask/checks.ts'
import { blockMask } from '../mask/index.ts'
import { expectHeads, type Heads } from '../operands.ts'
import { type ExecutionOptions, expectOptions } from '../options.ts'
import { Chooser } from '../selection/budget.ts'
import { expectNumbers, expectSelfAttention } from './checks.ts'
import { compressTokens } from './compress.ts'
import { matrixRows, rowMajor } from './tokens.ts'

/** Which blocks a query attends to. */
export interface NosaBudget {
  /** Tokens of a block. Default: 64. */
  pageSize?: number | undefined
  /** Blocks chosen by the scores of their tokens, which no query changes. */
  queryAgnostic: number
  /** Blocks chosen by the query. */
  queryAware: number
  /** Blocks at the beginning that are always attended. Default: 1. */
  initial?: number | undefined
  /** Blocks at the end that are always attended. Default: 2. */
  local?: number | undefined
}

/** Checks a budget and fills in its defaults. */
export function expectNosaBudget(options: NosaBudget, name: string): Required<NosaBudget> {
  expectOptions(options, name)
  const { pageSize = 64, initial = 1, local = 2, queryAgnostic, queryAware } = options
  expectExtent(pageSize, 1, `${name}: pageSize`)
  expectExtent(initial, 0, `${name}: initial`)
  expectExtent(local, 1, `${name}: local`)
  expectExtent(queryAgnostic, 0, `${name}: queryAgnostic`)
  expectExtent(queryAware, 0, `${name}: queryAware`)
  return { pageSize, initial, local, queryAgnostic, queryAware }
}

/** Chooses the blocks of one query after the other. */
export class SplitChooser {
  readonly #budget: Required<NosaBudget>
  readonly #agnostic: Chooser
  readonly #all: Chooser

  /** For up to `length` blocks. */
  constructor(budget: Required<NosaBudget>, length: number) {
    const fixed = budget.initial + budget.local + budget.queryAgnostic
    this.#budget = budget
    this.#agnostic = new Chooser({ topK: fixed }, length)
    this.#all = new Chooser({ topK: fixed + budget.queryAware }, length)
  }

  /**
   * First what no query changes, then, among the rest, what this one asks for.
   *
   * @param tokenScores of the `blocks` blocks up to the query's
   * @param queryScores of the same blocks, for this query
   */
  choose(
    tokenScores: Float32Array,
    queryScores: Float32Array,
    blocks: number,
  ): { blocks: number[]; queryAgnostic: number[] } {
    const { initial, local } = this.#budget
    this.#agnostic.choose(tokenScores, 0, blocks, [
      [0, initial],
      [blocks - local, blocks],
    ])
    const queryAgnostic = Array.from(this.#agnostic.chosen.subarray(0, this.#agnostic.count))
    const required = queryAgnostic.map((block) => [block, block + 1] as const)
    this.#all.choose(queryScores, 0, blocks, required)
    return { blocks: Array.from(this.#all.chosen.subarray(0, this.#all.count)), queryAgnostic }
  }
}

/** Options of {@link nosaMask}. */
export interface NosaMaskOptions extends NosaBudget, Pick<ExecutionOptions, 'backend'> {}

/**
 * The blocks that {@link nosaCache} attends to at each step, as a mask for prefill and for training with `attention` and
 * `attentionBackward`, both with `causal`.
 *
 * @param q [heads, tokens, headDim]; k [keyHeads, tokens, headDim]
 * @param scores how much a token matters to any query, [keyHeads, tokens], row-major
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes or options do not fit, or a score is not finite
 */
export function nosaMask(q: Tensor, k: Tensor, scores: Tensor, options: NosaMaskOptions): BlockMask {
  const name = 'nosaMask'
  const budget = expectNosaBudget(options, name)
  const { pageSize } = budget
  const { batch, keyHeads, tokens, headDim } = expectSelfAttention(q, k, k, name)
  if (batch !== 1) throw rangeError('NNZ_SHAPE', `${name}: expected one batch entry, got ${batch}`)
  const totals = tokenTotals(expectNumbers(scores, [keyHeads, tokens], `${name}: scores`), tokens, pageSize)
  const width = keyHeads * headDim
  const queries = groupSums(expectHeads(q, name), keyHeads)
  const means = byToken(compressTokens(k, { length: pageSize, stride: pageSize }))
  const full = means.shape[0]
  const chooser = new SplitChooser(budget, totals.length)
  const ranked = new Float32Array(totals.length)
  const rowOffsets = new Uint32Array(tokens + 1)
  const columnIndices: number[] = []
  for (let first = 0; first < tokens; first += pageSize) {
    const rows = Math.min(pageSize, tokens - first)
    const blocks = first / pageSize + 1
    // A query's own block is attended anyway: one that is not full needs no score.
    const seen = Math.min(full, blocks)
    const chunk = tensor(queries.subarray(first * width, (first + rows) * width), [width, rows], {
      strides: [1, width],
    })
    const products = gemm(matrixRows(means, 0, seen), chunk, { backend: options.backend }).data
    for (let row = 0; row < rows; row++) {
      for (let block = 0; block < seen; block++) ranked[block] = products[block * rows + row]
      columnIndices.push(...chooser.choose(totals, ranked, blocks).blocks)
      rowOffsets[first + row + 1] = columnIndices.length
    }
  }
  return blockMask({ blockShape: [1, pageSize], rows: tokens, columns: tokens, rowOffsets, columnIndices })
}

/** [heads, tokens, headDim] as a matrix [tokens, heads * headDim]. */
function byToken(x: Tensor): Tensor {
  const [heads, tokens, headDim] = x.shape
  const result = zeros([tokens, heads * headDim])
  for (let head = 0; head < heads; head++)
    for (let token = 0; token < tokens; token++)
      result.data.set(
        x.data.subarray((head * tokens + token) * headDim, (head * tokens + token + 1) * headDim),
        (token * heads + head) * headDim,
      )
  return result
}

/** The queries of each group added up, [tokens, keyHeads * headDim]. */
function groupSums(query: Heads, keyHeads: number): Float32Array {
  const [, heads, tokens, headDim] = query.shape
  const result = new Float32Array(tokens * keyHeads * headDim)
  rowMajor(query).forEach((x, i) => {
    const [head, token] = [Math.floor(i / headDim / tokens), Math.floor(i / headDim) % tokens]
    result[(token * keyHeads + Math.floor((head * keyHeads) / heads)) * headDim + (i % headDim)] += x
  })
  return result
}

/** Sum of the scores of each block's tokens. */
function tokenTotals(scores: Float32Array, tokens: number, pageSize: number): Float32Array {
  const totals = new Float64Array(Math.ceil(tokens / pageSize))
  scores.forEach((score, i) => {
    totals[Math.floor((i % tokens) / pageSize)] += score
  })
  return Float32Array.from(totals)
}
