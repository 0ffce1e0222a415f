import { rangeError, type Tensor } from '@nnz/core'
import { shapeOf } from '../attention.ts'
import { expectCache, type KeyValueCache } from '../decode/cache.ts'
import { expectBlockMask } from '../mask/block-mask.ts'
import { expectHeads, expectShape, expectShapes } from '../operands.ts'
import { type ExecutionOptions, expectOptions } from '../options.ts'
import { patterns } from '../patterns/index.ts'
import { expectFinite } from '../patterns/values.ts'
import { attentionProblem, flops } from '../problem.ts'
import { Chooser } from '../selection/budget.ts'
import type { Selection } from '../selection/call.ts'
import { selection } from '../selection/index.ts'
import { PageMeans } from './page-means.ts'

/** Options of a method that chooses for prefill. */
export interface PrefillOptions extends Pick<ExecutionOptions, 'backend'> {
  /** Queries and keys of a block. Default: [64, 64]. */
  blockShape?: readonly number[] | undefined
}

/** A method for prefill that needs no training. */
export interface PrefillMethod {
  readonly name: string
  /** What is chosen: single blocks, whole columns and diagonals, or nothing that depends on q and k. */
  readonly unit: 'blocks' | 'lines' | 'fixed'
  /**
   * A causal mask.
   *
   * @param budget share of the causal pairs that is about kept, above 0; 1 keeps all. Of `flexible` the share of the attention.
   */
  select(q: Tensor, k: Tensor, budget: number, options?: PrefillOptions): Selection
}

/** What a method chose for one query. */
export interface PageSelection {
  /** Blocks for each key head. */
  readonly blocks: readonly ArrayLike<number>[]
  /** Floating point operations that choosing took. */
  readonly flops: number
}

/** A method for decoding that needs no training. */
export interface DecodeMethod {
  readonly name: string
  /** What chooses blocks of a cache, which may only grow. */
  open(cache: KeyValueCache): { select(q: Tensor, budget: number): PageSelection }
}

function expectPositiveShare(budget: number, name: string): number {
  expectFinite(budget, `${name}: budget`)
  if (budget <= 0 || budget > 1)
    throw rangeError('NNZ_VALUE', `${name}: expected a budget above 0 up to 1, got ${budget}`)
  return budget
}

/** Two kinds of lines that together cover a share of the pairs; a window that does. */
const half = (budget: number) => 1 - Math.sqrt(1 - budget)

type Choose = (
  q: Tensor,
  k: Tensor,
  budget: number,
  shape: { blockShape: readonly number[]; causal: true },
) => Selection

function prefillMethod(name: string, unit: PrefillMethod['unit'], choose: Choose): PrefillMethod {
  return Object.freeze({
    name,
    unit,
    select(q: Tensor, k: Tensor, budget: number, options: PrefillOptions = {}) {
      expectOptions(options, name)
      const { blockShape = [64, 64] } = options
      return choose(q, k, expectPositiveShare(budget, name), { ...options, blockShape, causal: true })
    },
  })
}

function decodeMethod(
  name: string,
  rank: (cache: KeyValueCache) => (q: Tensor) => { scores: readonly Float32Array[]; flops: number },
): DecodeMethod {
  return Object.freeze({
    name,
    open(cache: KeyValueCache) {
      const { keyHeads, headDim } = expectCache(cache, name)
      const ranking = rank(cache)
      return {
        select(q: Tensor, budget: number) {
          const query = expectHeads(q, `${name}: q`)
          const heads = query.shape[1]
          expectShapes({ batch: 1, heads, keyHeads, tokens: 1, keys: 0, headDim }, name)
          expectShape(query, [1, heads, 1, headDim], `${name}: q`)
          const count = cache.blocks
          const chooser = new Chooser({ density: expectPositiveShare(budget, name) }, count)
          const { scores, flops } = ranking(q)
          const required = [
            [0, 1],
            [count - 1, count],
          ] as const
          const blocks = scores.map((row) => {
            chooser.choose(row, 0, count, required)
            return chooser.chosen.slice(0, chooser.count)
          })
          return { blocks, flops }
        },
      }
    },
  })
}

/**
 * Methods that need no training, each with one budget, as The Sparse Frontier (arXiv 2504.17768) compares them: for prefill a
 * mask, for decoding blocks of a cache. `methodFlops` says what they cost.
 */
export const trainingFree: { readonly prefill: readonly PrefillMethod[]; readonly decode: readonly DecodeMethod[] } =
  Object.freeze({
    prefill: Object.freeze([
      prefillMethod('slidingWindow', 'fixed', (q, k, budget, shape) => {
        const { tokens, keys } = shapeOf(expectHeads(q, 'slidingWindow: q'), expectHeads(k, 'slidingWindow: k'))
        const window = Math.max(1, Math.round(keys * half(budget)))
        const mask = patterns.slidingWindow({ ...shape, rows: tokens, columns: keys, window, sinks: Math.min(4, keys) })
        return { mask, cost: { flops: 0, bytes: 0, nanoseconds: 0 } }
      }),
      prefillMethod('verticalSlash', 'lines', (q, k, budget, shape) => {
        const lines = { density: half(budget) }
        return selection.verticalSlash(q, k, { ...shape, vertical: lines, slash: lines })
      }),
      prefillMethod('stripes', 'lines', (q, k, budget, shape) =>
        selection.stripes(q, k, { ...shape, density: budget, window: 16 }),
      ),
      prefillMethod('pooled', 'blocks', (q, k, budget, shape) => selection.pooled(q, k, { ...shape, density: budget })),
      prefillMethod('flexible', 'lines', (q, k, budget, shape) =>
        selection.flexible(q, k, { ...shape, threshold: budget }),
      ),
      prefillMethod('exact', 'blocks', (q, k, budget, shape) => selection.exact(q, k, { ...shape, density: budget })),
    ]),
    decode: Object.freeze([
      decodeMethod('recent', (cache) => () => {
        const scores = Float32Array.from({ length: cache.blocks }, (_, block) => block)
        return { scores: Array.from({ length: cache.keyHeads }, () => scores), flops: 0 }
      }),
      decodeMethod('pageMeans', (cache) => {
        const means = new PageMeans(cache)
        let full = 0
        return (q) => {
          means.update(cache, full)
          full = Math.floor(cache.length / cache.pageSize)
          return { scores: means.scores(q, undefined), flops: 2 * cache.keyHeads * cache.headDim * cache.blocks }
        }
      }),
    ]),
  })

/** Floating point operations of attention with a selection. */
export interface MethodFlops {
  /** On the kept pairs. */
  readonly attention: number
  readonly selection: number
  /** Of causal attention to everything. */
  readonly dense: number
}

/** What attention with a selection costs, beside what dense causal attention does: the axis of an isoFLOPS comparison. */
export function methodFlops(q: Tensor, k: Tensor, chosen: Selection): MethodFlops {
  expectOptions(chosen, 'methodFlops: selection')
  const { mask, cost } = chosen
  expectBlockMask(mask, 'methodFlops: mask')
  expectOptions(cost, 'methodFlops: cost')
  const shape = shapeOf(expectHeads(q, 'methodFlops: q'), expectHeads(k, 'methodFlops: k'))
  return {
    attention: flops(attentionProblem('attention', shape, { mask })),
    selection: cost.flops,
    dense: flops(attentionProblem('attention', shape, { causal: true })),
  }
}
