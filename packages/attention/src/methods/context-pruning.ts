import { gemm, rangeError, type Tensor, zeros } from '@nnz/core'
import type { AttentionResult } from '../attention.ts'
import type { Gradients } from '../backward.ts'
import { expectHeads, expectShape } from '../operands.ts'
import { expectOptions } from '../options.ts'
import { expectFinite } from '../patterns/values.ts'
import { attentionWithBias, attentionWithBiasBackward } from './bias.ts'
import { expectSelfAttention } from './checks.ts'
import {
  type CheckedPruning,
  ContextGate,
  expectPruning,
  type Interactions,
  type PruningOptions,
} from './context-gate.ts'
import { sparseSigmoid, sparseSigmoidSlope } from './sparse-sigmoid.ts'
import { asColumn, gatherNumbers, matrixRows, scatterTokens, sliceTokens, tokensFrom } from './tokens.ts'

/** Queries whose gates are held at once. */
const CHUNK = 32

/** What {@link prunedAttention} returns. */
export interface PrunedResult extends AttentionResult {
  /** For each token the query that dropped it, or the number of tokens. */
  readonly droppedAt: Int32Array
  /** Mean gate of the pairs of a query and an earlier token: the share of the context that is left. */
  readonly contextShare: number
}

/** What {@link prunedAttentionBackward} needs: the operands, the result and the options of the forward call. */
export interface PrunedSaved extends PruningOptions, AttentionResult {
  q: Tensor
  k: Tensor
  v: Tensor
  interactions: Interactions
}

/** Gradients of {@link prunedAttention}. */
export interface PrunedGradients extends Gradients {
  /** Of `interactions.queries` and `interactions.keys`. */
  readonly dQueries: Tensor
  readonly dKeys: Tensor
  readonly dBeta: number
}

function open(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  interactions: Interactions,
  options: PruningOptions,
  name: string,
): { gate: ContextGate; checked: CheckedPruning; tokens: number } {
  const checked = expectPruning(options, name)
  const { batch, tokens } = expectSelfAttention(q, k, v, name)
  if (batch !== 1) throw rangeError('NNZ_SHAPE', `${name}: expected one batch entry, got ${batch}`)
  return { gate: new ContextGate(interactions ?? {}, tokens, checked, name), checked, tokens }
}

/**
 * Dynamic context pruning (arXiv 2305.15805), causal, for one layer: every token decides about all earlier ones whether they stay
 * in the context. The decisions sigmoid(queries keysᵀ / sqrt(width) + beta) about a token are multiplied over time, and the
 * product weighs its attention, in all heads; a token with a 0 among them is dropped for good.
 *
 * @param q [heads, tokens, headDim], headDim up to 252; k and v [keyHeads, tokens, headDim]
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes or options do not fit
 */
export function prunedAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  interactions: Interactions,
  options: PruningOptions = {},
): PrunedResult {
  const { gate, checked, tokens } = open(q, k, v, interactions, options, 'prunedAttention')
  const output = zeros(q.shape)
  const logSumExp = zeros(q.shape.slice(0, -1))
  let shares = 0
  for (let first = 0; first < tokens; first += CHUNK) {
    const rows = Math.min(CHUNK, tokens - first)
    const bias = gate.forward(first, rows)
    const seen = (x: Tensor) => sliceTokens(x, 0, first + rows)
    const part = attentionWithBias(sliceTokens(q, first, rows), seen(k), seen(v), bias, checked.execution)
    scatterTokens(part.output, tokensFrom(first, rows), tokens, output)
    scatterTokens(asColumn(part.logSumExp), tokensFrom(first, rows), tokens, asColumn(logSumExp))
    for (const log of bias.data) shares += Math.exp(log)
  }
  // A token's gate for itself is 1 and does not count.
  const contextShare = (shares - tokens) / Math.max(1, (tokens * (tokens - 1)) / 2)
  return { output, logSumExp, droppedAt: gate.droppedAt, contextShare }
}

/**
 * Gradients of {@link prunedAttention}, and of `sparsity` times its contextShare, the term that makes a model drop tokens.
 *
 * @param saved what the forward call read and returned, with its options
 */
export function prunedAttentionBackward(
  dOutput: Tensor,
  saved: PrunedSaved,
  options: { sparsity?: number } = {},
): PrunedGradients {
  const name = 'prunedAttentionBackward'
  expectOptions(saved, name)
  expectOptions(options, name)
  const { sparsity = 0 } = options
  const { q, k, v, interactions, output, logSumExp } = saved
  const { gate, checked, tokens } = open(q, k, v, interactions, saved, name)
  expectFinite(sparsity, `${name}: sparsity`)
  expectShape(expectHeads(dOutput, `${name}: dOutput`), expectHeads(q, name).shape, `${name}: dOutput`)
  for (let first = 0; first < tokens; first += CHUNK) gate.forward(first, Math.min(CHUNK, tokens - first))
  const dQ = zeros(q.shape)
  const dK = zeros(k.shape)
  const dV = zeros(v.shape)
  const decisions = new DecisionGradients(gate, interactions, checked)
  const weight = sparsity / Math.max(1, (tokens * (tokens - 1)) / 2)
  for (let first = Math.floor(Math.max(0, tokens - 1) / CHUNK) * CHUNK; first >= 0 && tokens > 0; first -= CHUNK) {
    const rows = Math.min(CHUNK, tokens - first)
    const logits = gate.logits(first, rows)
    const bias = gate.backward(first, rows, logits)
    const part = (x: Tensor) => sliceTokens(x, first, rows)
    const seen = (x: Tensor) => sliceTokens(x, 0, first + rows)
    const gradients = attentionWithBiasBackward(part(dOutput), {
      ...checked.execution,
      q: part(q),
      k: seen(k),
      v: seen(v),
      bias,
      output: part(output),
      logSumExp: gatherNumbers(logSumExp, tokensFrom(first, rows)),
    })
    const dGates = gradients.dBias.data
    for (let i = 0; i < dGates.length; i++) dGates[i] += weight * Math.exp(bias.data[i])
    decisions.add(first, rows, logits, dGates)
    scatterTokens(gradients.dQ, tokensFrom(first, rows), tokens, dQ)
    scatterTokens(gradients.dK, tokensFrom(0, first + rows), tokens, dK)
    scatterTokens(gradients.dV, tokensFrom(0, first + rows), tokens, dV)
  }
  return { dQ, dK, dV, dQueries: decisions.dQueries, dKeys: decisions.dKeys, dBeta: decisions.dBeta }
}

/** From gradients of the gates' logarithms to those of the interactions; the last queries come first. */
class DecisionGradients {
  readonly dQueries: Tensor
  readonly dKeys: Tensor
  dBeta = 0
  readonly #gate: ContextGate
  readonly #interactions: Interactions
  readonly #options: CheckedPruning
  /** A decision is part of the token's gate for this query and all later ones. */
  readonly #later: Float64Array

  constructor(gate: ContextGate, interactions: Interactions, options: CheckedPruning) {
    this.#gate = gate
    this.#interactions = interactions
    this.#options = options
    this.dQueries = zeros(interactions.queries.shape)
    this.dKeys = zeros(interactions.keys.shape)
    this.#later = new Float64Array(gate.tokens)
  }

  add(first: number, rows: number, logits: Float32Array, dGates: Float32Array): void {
    const { queries, keys } = this.#interactions
    const { alpha, execution } = this.#options
    const columns = first + rows
    const width = queries.shape[1]
    const dLogits = zeros([rows, columns])
    for (let row = rows - 1; row >= 0; row--) {
      for (let key = 0; key < first + row; key++) {
        if (this.#gate.droppedAt[key] <= first + row) continue
        const at = row * columns + key
        this.#later[key] += dGates[at]
        const share = sparseSigmoid(logits[at], alpha)
        const slope = (this.#later[key] * sparseSigmoidSlope(share, alpha)) / share
        this.dBeta += slope
        dLogits.data[at] = slope / Math.sqrt(width)
      }
    }
    const { backend } = execution
    const ofQueries = gemm(dLogits, matrixRows(keys, 0, columns), { backend })
    this.dQueries.data.set(ofQueries.data, first * width)
    const flipped = { ...dLogits, shape: [columns, rows], strides: [1, columns] }
    const ofKeys = gemm(flipped, matrixRows(queries, first, rows), { backend })
    for (let i = 0; i < ofKeys.data.length; i++) this.dKeys.data[i] += ofKeys.data[i]
  }
}
