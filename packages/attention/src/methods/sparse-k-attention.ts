import { type Tensor, zeros } from '@nnz/core'
import { type AttentionResult, attention } from '../attention.ts'
import { attentionBackward, type Gradients } from '../backward.ts'
import { expectExtent } from '../mask/checks.ts'
import { expectHeads, expectShape } from '../operands.ts'
import { expectOptions } from '../options.ts'
import { expectFlag } from '../patterns/values.ts'
import { expectNumbers, expectSelfAttention, type MethodOptions } from './checks.ts'
import { mergeAttention } from './merge.ts'
import { sparseKBackward } from './sparse-k.ts'
import { SparseKSelection } from './sparse-k-selection.ts'
import { asColumn, gatherNumbers, gatherTokens, scatterTokens, sliceTokens, tokensFrom } from './tokens.ts'

/** Options of {@link sparseKAttention}. */
export interface SparseKOptions extends MethodOptions {
  /** Keys that are selected for a query: k of the operator. */
  count: number
  /**
   * Causal: tokens attend to the earlier ones of their chunk, and to what is selected among the chunks before. Not causal:
   * all tokens attend to what is selected among all. Default: true.
   */
  causal?: boolean | undefined
  /** Tokens of a chunk. Default: 64. */
  chunk?: number | undefined
}

/** What {@link sparseKAttentionBackward} needs: the operands, the result and the options of the forward call. */
export interface SparseKSaved extends SparseKOptions, AttentionResult {
  q: Tensor
  k: Tensor
  v: Tensor
  scores: Tensor
}

/** Queries of one chunk, and what each key head selects for them. */
interface Chunk {
  readonly first: number
  readonly tokens: number
  readonly selections: readonly SparseKSelection[]
}

interface Call {
  readonly tokens: number
  readonly causal: boolean
  readonly chunk: number
  readonly scores: Float32Array
  readonly count: number
  readonly groups: number
}

function expectCall(q: Tensor, k: Tensor, v: Tensor, scores: Tensor, options: SparseKOptions, name: string): Call {
  expectOptions(options, name)
  const { count, causal = true, chunk = 64 } = options
  expectExtent(count, 1, `${name}: count`)
  expectExtent(chunk, 1, `${name}: chunk`)
  expectFlag(causal, `${name}: causal`)
  const { batch, keyHeads, tokens } = expectSelfAttention(q, k, v, name)
  const numbers = expectNumbers(scores, [batch, keyHeads, tokens], `${name}: scores`)
  return { tokens, causal, chunk, scores: numbers, count, groups: batch * keyHeads }
}

/** One chunk after the other; the selections are those of the moment. */
function* chunks({ tokens, causal, chunk, scores, count, groups }: Call): Generator<Chunk> {
  const selections = Array.from({ length: groups }, () => new SparseKSelection(count))
  const length = causal ? chunk : tokens
  for (let first = 0; first < tokens; first += length) {
    const add = (from: number, to: number) =>
      selections.forEach((selection, group) => {
        selection.add(from, scores.subarray(group * tokens + from, group * tokens + to))
      })
    if (!causal) add(0, tokens)
    else if (first > 0) add(first - length, first)
    yield { first, tokens: Math.min(length, tokens - first), selections }
  }
}

/** The selected rows of k or v, times their shares. */
export function gatherShares(x: Tensor, selections: readonly SparseKSelection[], lists: readonly number[][]): Tensor {
  const rows = gatherTokens(x, lists)
  scaleRows(rows, selections)
  return rows
}

function scaleRows(rows: Tensor, selections: readonly SparseKSelection[]): void {
  const [count, headDim] = rows.shape.slice(-2)
  selections.forEach(({ kept, shares }, group) => {
    kept.forEach((position, row) => {
      const at = (group * count + row) * headDim
      for (let i = at; i < at + headDim; i++) rows.data[i] *= shares[position]
    })
  })
}

const listsOf = (selections: readonly SparseKSelection[]) =>
  selections.map(({ kept, tokens }) => kept.map((position) => tokens[position]))

function localOptions({ causal, chunk, tokens }: Call): { causal: true; sequenceOffsets: number[] } | undefined {
  if (!causal) return undefined
  const ends = Array.from({ length: Math.ceil(tokens / chunk) }, (_, i) => Math.min(tokens, (i + 1) * chunk))
  return { causal: true, sequenceOffsets: [0, ...ends] }
}

/**
 * SparseK attention (arXiv 2406.16747): a score for every token decides which keys are attended, the same ones by all
 * queries of a chunk. Selected keys and values are multiplied by their share of {@link sparseK}, through which the scores
 * have a gradient. Time is linear in tokens; for decoding see `sparseKState`.
 *
 * @param q [heads, tokens, headDim], or with a batch axis; k and v [keyHeads, tokens, headDim]
 * @param scores of the tokens, from a scoring network, [keyHeads, tokens] or [batch, keyHeads, tokens], row-major
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes or sizes do not fit, or a score is not finite
 */
export function sparseKAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  scores: Tensor,
  options: SparseKOptions,
): AttentionResult {
  const call = expectCall(q, k, v, scores, options, 'sparseKAttention')
  const { scale, backend } = options
  const execution = { scale, backend }
  const local = localOptions(call)
  const selected = { output: zeros(q.shape), logSumExp: zeros(q.shape.slice(0, -1)) }
  for (const { first, tokens, selections } of chunks(call)) {
    const lists = listsOf(selections)
    const keys = gatherShares(k, selections, lists)
    const values = gatherShares(v, selections, lists)
    const part = attention(sliceTokens(q, first, tokens), keys, values, execution)
    const list = tokensFrom(first, tokens)
    scatterTokens(part.output, list, call.tokens, selected.output)
    scatterTokens(asColumn(part.logSumExp), list, call.tokens, asColumn(selected.logSumExp))
  }
  return local ? mergeAttention([selected, attention(q, k, v, { ...execution, ...local })]) : selected
}

/**
 * Gradients of {@link sparseKAttention}. Which tokens are selected is taken as given; their shares are not.
 *
 * @param saved what the forward call read and returned, with its options
 * @returns dQ, dK, dV and dScores in the shapes of the operands
 */
export function sparseKAttentionBackward(dOutput: Tensor, saved: SparseKSaved): Gradients & { dScores: Tensor } {
  const name = 'sparseKAttentionBackward'
  expectOptions(saved, name)
  const { q, k, v, scores, output, logSumExp, scale, backend } = saved
  const call = expectCall(q, k, v, scores, saved, name)
  expectShape(expectHeads(dOutput, `${name}: dOutput`), expectHeads(q, name).shape, `${name}: dOutput`)
  const local = localOptions(call)
  const dQ = zeros(q.shape)
  const dK = zeros(k.shape)
  const dV = zeros(v.shape)
  const dScores = zeros(scores.shape)
  if (local)
    attentionBackward(dOutput, { q, k, v, output, logSumExp, scale, ...local }, { backend, out: { dQ, dK, dV } })
  for (const { first, tokens, selections } of chunks(call)) {
    const lists = listsOf(selections)
    const part = (x: Tensor) => sliceTokens(x, first, tokens)
    const list = tokensFrom(first, tokens)
    const gradients = attentionBackward(
      part(dOutput),
      {
        q: part(q),
        k: gatherShares(k, selections, lists),
        v: gatherShares(v, selections, lists),
        output: part(output),
        logSumExp: gatherNumbers(logSumExp, list),
        scale,
      },
      { backend },
    )
    addShares(gradients, k, v, lists, selections, dScores.data, call.tokens)
    for (const [rows, into] of [
      [gradients.dK, dK],
      [gradients.dV, dV],
    ] as const) {
      scaleRows(rows, selections)
      scatterTokens(rows, lists, call.tokens, into)
    }
    scatterTokens(gradients.dQ, list, call.tokens, dQ)
  }
  return { dQ, dK, dV, dScores }
}

/** Gradient of the shares, d(share k)·k + d(share v)·v, and through the operator of the scores. */
function addShares(
  gradients: Gradients,
  k: Tensor,
  v: Tensor,
  lists: readonly number[][],
  selections: readonly SparseKSelection[],
  dScores: Float32Array,
  tokens: number,
): void {
  const [keys, values] = [gatherTokens(k, lists).data, gatherTokens(v, lists).data]
  const [count, headDim] = gradients.dK.shape.slice(-2)
  selections.forEach(({ kept, shares, tokens: candidates }, group) => {
    const dShares = new Float64Array(shares.length)
    kept.forEach((position, row) => {
      const at = (group * count + row) * headDim
      for (let i = at; i < at + headDim; i++)
        dShares[position] += gradients.dK.data[i] * keys[i] + gradients.dV.data[i] * values[i]
    })
    sparseKBackward(dShares, shares).forEach((slope, i) => {
      dScores[group * tokens + candidates[i]] += slope
    })
  })
}
