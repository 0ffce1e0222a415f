import { describe, overlaps, rangeError, registerDispose, type Tensor, typeError, zeros } from '@nnz/core'
import type { AttentionResult } from '../attention.ts'
import { decodeKernels } from '../kernels/index.ts'
import { isArrayLike } from '../mask/checks.ts'
import { expectHeads, expectShape, expectShapes, expectWritable } from '../operands.ts'
import { type ExecutionOptions, expectOptions } from '../options.ts'
import { expectFinite, expectFlag } from '../patterns/values.ts'
import { type AttentionExplanation, Planned, supportsOf } from '../planned.ts'
import { expectCache, type KeyValueCache } from './cache.ts'
import { type BlockLists, type DecodeArguments, type DecodeProblem, decodeBytes, decodeFlops } from './problem.ts'

const NAME = 'decodeAttention'

/** Options of one run. */
export interface DecodeRunOptions {
  /**
   * Blocks of the cache to attend to: one list for all key heads, or a list for each key head. Default: all that were not
   * evicted.
   */
  blocks?: ArrayLike<number> | readonly ArrayLike<number>[] | undefined
  /** Factor of the scores. Default: 1 / sqrt(headDim). */
  scale?: number | undefined
  /** The queries are the last tokens of the cache, and each sees no token after itself. Default: true. */
  causal?: boolean | undefined
  /** Written and returned as `output`, instead of a new tensor on the JS heap. */
  out?: Tensor | undefined
}

/** Options of a plan. */
export interface DecodePlanOptions extends ExecutionOptions {
  cache: KeyValueCache
  /** Query heads: a multiple of the cache's key heads. */
  heads: number
  /** Queries of each head. Default: 1. */
  tokens?: number | undefined
}

function expectList(list: unknown, cache: KeyValueCache): number[] {
  if (!isArrayLike(list))
    throw typeError('NNZ_TYPE', `${NAME}: expected blocks to be a list of numbers, or lists, got ${describe(list)}`)
  const seen = new Set<number>()
  return Array.from(list as ArrayLike<number>, (block) => {
    if (cache.pageOf(block) < 0) throw rangeError('NNZ_VALUE', `${NAME}: block ${block} was evicted`)
    if (seen.has(block)) throw rangeError('NNZ_VALUE', `${NAME}: block ${block} is given twice`)
    seen.add(block)
    return block
  })
}

function expectBlocks(blocks: DecodeRunOptions['blocks'], cache: KeyValueCache): BlockLists {
  if (blocks === undefined) {
    const all = Array.from({ length: cache.blocks }, (_, block) => block)
    return [all.filter((block) => cache.pageOf(block) >= 0)]
  }
  if (!isArrayLike(blocks) || blocks.length === 0 || typeof blocks[0] === 'number') return [expectList(blocks, cache)]
  if (blocks.length !== cache.keyHeads)
    throw rangeError(
      'NNZ_SHAPE',
      `${NAME}: blocks has ${blocks.length} lists, expected ${cache.keyHeads} (the key heads)`,
    )
  return Array.from(blocks as ArrayLike<unknown>, (list) => expectList(list, cache))
}

/** The kernel for queries of one size and a cache. */
export class DecodePlan implements Partial<Disposable> {
  declare readonly [Symbol.dispose]: () => void
  readonly #planned: Planned<DecodeProblem, KeyValueCache, DecodeArguments>
  readonly #cache: KeyValueCache

  /** Use `decodeAttention.plan`. */
  constructor(options: DecodePlanOptions, name = `${NAME}.plan`) {
    expectOptions(options, name)
    const cache = expectCache(options.cache, name)
    const { heads, tokens = 1 } = options
    const { keyHeads, headDim, pageSize, pages } = cache
    expectShapes({ batch: 1, heads, keyHeads, tokens, keys: 0, headDim }, name)
    this.#cache = cache
    const problem = { operation: NAME, n: tokens, heads, keyHeads, tokens, headDim, pageSize, pages } as const
    this.#planned = new Planned(decodeKernels, problem, cache, options)
  }

  /**
   * Attends from q to the cache; see {@link decodeAttention}.
   *
   * @throws TypeError if an operand is of the wrong kind or the plan is disposed
   * @throws RangeError if shapes do not fit, a block is unknown, evicted or given twice, or `out` overlaps q or the cache
   */
  run(q: Tensor, options: DecodeRunOptions = {}): AttentionResult {
    this.#planned.expectAlive()
    expectOptions(options, NAME)
    const { heads, tokens, headDim } = this.#planned.problem
    const query = expectHeads(q, `${NAME}: q`)
    expectShape(query, [1, heads, tokens, headDim], `${NAME}: q`)
    const { scale = 1 / Math.sqrt(headDim), causal = true } = options
    expectFinite(scale, `${NAME}: scale`)
    expectFlag(causal, `${NAME}: causal`)
    const blocks = expectBlocks(options.blocks, this.#cache)
    const out = options.out ?? zeros(q.shape)
    const output = expectWritable(out, query.shape, `${NAME}: out`)
    for (const [operand, input] of Object.entries({ q, ...this.#cache.storage }))
      if (options.out && overlaps(out, input))
        throw rangeError('NNZ_VALUE', `${NAME}: out overlaps ${operand === 'q' ? 'q' : `the ${operand} of the cache`}`)
    const logSumExp = zeros(q.shape.slice(0, -1))
    this.#planned.run({ q: query, scale, causal, blocks, output, logSumExp: logSumExp.data })
    return { output: out, logSumExp }
  }

  /** Which kernel runs, and why; flops and bytes of a run that reads every page. */
  explain(): AttentionExplanation {
    return this.#planned.explain(decodeFlops(this.#planned.problem), decodeBytes(this.#planned.problem))
  }

  /** Releases what the plan holds; the cache stays. */
  dispose(): void {
    this.#planned.dispose()
  }
}

registerDispose(DecodePlan.prototype)

function run(q: Tensor, cache: KeyValueCache, options: DecodeRunOptions & ExecutionOptions = {}): AttentionResult {
  expectOptions(options, NAME)
  const [, heads, tokens] = expectHeads(q, `${NAME}: q`).shape
  const plan = new DecodePlan({ ...options, cache, heads, tokens }, NAME)
  try {
    return plan.run(q, options)
  } finally {
    plan.dispose()
  }
}

/**
 * Attention of one or a few queries to a paged cache of keys and values.
 *
 * - `decodeAttention(q, cache, { blocks, scale, causal, out })`: q [heads, tokens, headDim], heads a multiple of the cache's
 *   key heads. `blocks` gathers a part of the cache, for each key head or for all. Returns `{ output, logSumExp }`.
 * - `decodeAttention.plan({ cache, heads, tokens })` prepares it once; see {@link DecodePlan}.
 * - `decodeAttention.kernels` are the rows of the table, `decodeAttention.supports(problem)` says which of them can run a problem.
 *
 * Every kept page is read once for each key head, for all queries of the group. Threads share the pages out among them;
 * results are the same bits for any number of threads.
 *
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes do not fit, or a block is unknown, evicted or given twice
 */
export const decodeAttention = Object.assign(run, {
  plan: (options: DecodePlanOptions): DecodePlan => new DecodePlan(options),
  kernels: decodeKernels,
  supports: (problem: DecodeProblem) => supportsOf(decodeKernels, problem, `${NAME}.supports`),
})
