import type { Tensor } from '@nnz/core'
import { expectExtent } from '../mask/checks.ts'
import { type Budget, Chooser, expectBudget } from './budget.ts'
import { expectCall, type Selection } from './call.ts'
import type { Lines } from './lines.ts'
import { addTo, openSampler, sampleAll } from './sampling.ts'
import { type LineOptions, maskOfLines } from './vertical-slash.ts'

/** Options of `selection.stripes`. The budget is for columns. */
export interface StripesOptions extends LineOptions, Budget {
  /** Queries that are looked at, spread evenly, the last one among them. Default: 64. */
  samples?: number | undefined
  /** Columns at the beginning that stay. Default: 0. */
  sinks?: number | undefined
  /** Keys back from a query's own that stay; without `causal` as many after it. Default: 1 with `causal`, else 0. */
  window?: number | undefined
}

/**
 * Keeps the columns that a sample of the queries attends to most, and a local window: SampleAttention (arXiv 2406.15486). With a
 * threshold the sampled queries keep that share of their attention, on average.
 *
 * @param q [heads, tokens, headDim] or [batch, heads, tokens, headDim]
 * @param k the same with keyHeads and keys
 * @returns a mask for each head (of each batch entry) and what it took; memory grows with tokens * 64
 * @throws TypeError if an argument is of the wrong kind, or without topK, density and threshold
 * @throws RangeError if shapes or options do not fit
 */
export function stripes(q: Tensor, k: Tensor, options: StripesOptions): Selection {
  const name = 'selection.stripes'
  const call = expectCall(q, k, options, name)
  const { shape, causal } = call
  const { batch, heads, tokens, keys } = shape
  const count = Math.min(tokens, expectExtent(options.samples ?? 64, 1, `${name}: samples`))
  const sinks = expectExtent(options.sinks ?? 0, 0, `${name}: sinks`)
  const window = expectExtent(options.window ?? (causal ? 1 : 0), 0, `${name}: window`)
  const chooser = new Chooser(expectBudget(options, name), keys)
  const queries = Array.from({ length: count }, (_, i) => Math.floor(((i + 1) * tokens) / count) - 1)
  const distances: Lines['distances'] = window === 0 ? [] : [[causal ? 0 : 1 - window, window]]
  const sampler = openSampler(call.backend, call)
  const lines = Array.from({ length: batch * heads }, (_, i) => {
    const sums = new Float32Array(keys)
    sampleAll(sampler, call, Math.floor(i / heads), i % heads, queries, () => {
      addTo(sums, sampler.columns())
    })
    chooser.choose(sums, 0, keys, [[0, sinks]])
    return { columns: chooser.chosen.slice(0, chooser.count), distances }
  })
  return maskOfLines(call, lines, options.pairs)
}
