import { gemm, isTensor, rangeError, type Tensor, tensor } from '@nnz/core'
import { expectOptions } from '../options.ts'
import { expectFinite } from '../patterns/values.ts'
import type { MethodOptions } from './checks.ts'
import { expectAlpha, sparseSigmoid } from './sparse-sigmoid.ts'
import { matrixRows } from './tokens.ts'

/** Options of dynamic context pruning. */
export interface PruningOptions extends MethodOptions {
  /** Of the sparse sigmoid; raised from 1 while training. Infinity: every decision is yes or no. Default: Infinity. */
  alpha?: number | undefined
  /** Added to the interactions: large values keep everything. Default: 0. */
  beta?: number | undefined
}

/** Interactions of the tokens of a layer, row-major [tokens, width]. */
export interface Interactions {
  /** With which a token decides about earlier ones. */
  queries: Tensor
  /** With which a token is decided about. */
  keys: Tensor
}

/** Checked options. */
export interface CheckedPruning {
  readonly alpha: number
  readonly beta: number
  readonly execution: MethodOptions
}

/** Checks the options. */
export function expectPruning(options: PruningOptions, name: string): CheckedPruning {
  expectOptions(options, name)
  const { alpha = Number.POSITIVE_INFINITY, beta = 0, scale, backend } = options
  expectAlpha(alpha, `${name}: alpha`)
  expectFinite(beta, `${name}: beta`)
  return { alpha, beta, execution: { scale, backend } }
}

/**
 * What every token has decided about those before it. A token's gate is the product of all decisions about it so far, of which
 * the logarithm is held in f64: it only falls, and once it is -Infinity it stays there.
 */
export class ContextGate {
  readonly tokens: number
  /** The query whose decision dropped a token, or `tokens`. */
  readonly droppedAt: Int32Array
  readonly #interactions: Interactions
  readonly #options: CheckedPruning
  /** Logarithms of the gates after some query; of dropped tokens, before they were. */
  readonly #logs: Float64Array

  constructor({ queries, keys }: Interactions, tokens: number, options: CheckedPruning, name: string) {
    for (const [key, x] of Object.entries({ queries, keys })) {
      if (!isTensor(x) || x.shape.length !== 2 || x.shape[0] !== tokens || x.data.length !== tokens * x.shape[1])
        throw rangeError(
          'NNZ_SHAPE',
          `${name}: expected interactions.${key} to be a row-major tensor [${tokens}, width]`,
        )
    }
    if (queries.shape[1] !== keys.shape[1])
      throw rangeError(
        'NNZ_SHAPE',
        `${name}: interactions have ${queries.shape[1]} and ${keys.shape[1]} columns, expected the same`,
      )
    this.tokens = tokens
    this.#interactions = { queries, keys }
    this.#options = options
    this.droppedAt = new Int32Array(tokens).fill(tokens)
    this.#logs = new Float64Array(tokens)
  }

  /** The decisions of some queries about the tokens up to the last of them, before the sigmoid: [rows, first + rows]. */
  logits(first: number, rows: number): Float32Array {
    const { queries, keys } = this.#interactions
    const { beta, execution } = this.#options
    const seen = matrixRows(keys, 0, first + rows)
    const transposed = { ...seen, shape: [seen.shape[1], first + rows], strides: [1, seen.shape[1]] }
    const { data } = gemm(matrixRows(queries, first, rows), transposed, { backend: execution.backend })
    const factor = 1 / Math.sqrt(seen.shape[1])
    for (let i = 0; i < data.length; i++) data[i] = factor * data[i] + beta
    return data
  }

  /** Takes in the decisions of the next queries, and gives the logarithms of their gates, [rows, first + rows]. */
  forward(first: number, rows: number): Tensor {
    const columns = first + rows
    const logits = this.logits(first, rows)
    const bias = new Float32Array(rows * columns).fill(Number.NEGATIVE_INFINITY)
    for (let row = 0; row < rows; row++) {
      const query = first + row
      for (let key = 0; key < query; key++) {
        if (this.droppedAt[key] <= query) continue
        const share = sparseSigmoid(logits[row * columns + key], this.#options.alpha)
        if (share === 0) this.droppedAt[key] = query
        else bias[row * columns + key] = this.#logs[key] += Math.log(share)
      }
      bias[row * columns + query] = 0
    }
    return tensor(bias, [rows, columns])
  }

  /** The same rows again, the last ones first, after `forward` has seen all: takes their decisions back. */
  backward(first: number, rows: number, logits: Float32Array): Tensor {
    const columns = first + rows
    const bias = new Float32Array(rows * columns).fill(Number.NEGATIVE_INFINITY)
    for (let row = rows - 1; row >= 0; row--) {
      const query = first + row
      for (let key = 0; key < query; key++) {
        if (this.droppedAt[key] <= query) continue
        bias[row * columns + key] = this.#logs[key]
        this.#logs[key] -= Math.log(sparseSigmoid(logits[row * columns + key], this.#options.alpha))
      }
      bias[row * columns + query] = 0
    }
    return tensor(bias, [rows, columns])
  }
}
