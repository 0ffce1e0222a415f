import { overlaps, rangeError, registerDispose, type Tensor, zeros } from '@nnz/core'
import { attentionKernels } from './kernels/index.ts'
import type { AttentionArguments, Pattern } from './kernels/types.ts'
import { expectHeads, expectShape, expectShapes, expectWritable, type Heads } from './operands.ts'
import {
  type AttentionOptions,
  type AttentionPlanOptions,
  type CheckedPattern,
  expectOptions,
  expectPattern,
} from './options.ts'
import { type AttentionExplanation, Planned, supportsOf } from './planned.ts'
import { type AttentionProblem, type AttentionShape, attentionProblem, bytes, flops } from './problem.ts'
import { keyRanges, type Lengths } from './ranges.ts'

/** What `attention` returns. */
export interface AttentionResult {
  /** In the shape of q. */
  readonly output: Tensor
  /** Natural logarithm of the sum of exponentials of each query's scores, [heads, tokens] or [batch, heads, tokens]. */
  readonly logSumExp: Tensor
}

/** Options of one run of a plan. */
export interface AttentionRunOptions extends Lengths {
  /** Written and returned as `output`, instead of a new tensor on the JS heap. */
  out?: Tensor | undefined
}

/** The sizes that operands have together. */
export function shapeOf(q: Heads, k: Heads): AttentionShape {
  const [batch, heads, tokens, headDim] = q.shape
  return { batch, heads, keyHeads: k.shape[1], tokens, keys: k.shape[2], headDim }
}

/** The sizes that a plan was asked for. */
export function plannedShape(options: AttentionPlanOptions, name: string): AttentionShape {
  expectOptions(options, name)
  const { batch = 1, heads, keyHeads = heads, tokens, keys = tokens, headDim } = options
  return expectShapes({ batch, heads, keyHeads, tokens, keys, headDim }, name)
}

/**
 * Checks q, k and v against the sizes of a plan, and returns the sizes of the run: without a mask, tokens and keys of a plan
 * are maxima.
 */
export function expectOperands(planned: AttentionProblem, q: Heads, k: Heads, v: Heads, name: string): AttentionShape {
  const { batch, heads, keyHeads, headDim, blockShape } = planned
  const tokens = blockShape ? planned.tokens : Math.min(planned.tokens, q.shape[2])
  const keys = blockShape ? planned.keys : Math.min(planned.keys, k.shape[2])
  expectShape(q, [batch, heads, tokens, headDim], `${name}: q`)
  expectShape(k, [batch, keyHeads, keys, headDim], `${name}: k`)
  expectShape(v, [batch, keyHeads, keys, headDim], `${name}: v`)
  return { batch, heads, keyHeads, tokens, keys, headDim }
}

/** The pattern and the kernel of attentions of one size, to be run many times. */
export class AttentionPlan implements Partial<Disposable> {
  declare readonly [Symbol.dispose]: () => void
  readonly #planned: Planned<AttentionProblem, Pattern, AttentionArguments>
  readonly #pattern: CheckedPattern

  /** Use `attention.plan`. */
  constructor(options: AttentionPlanOptions, name = 'attention.plan') {
    const shape = plannedShape(options, name)
    this.#pattern = expectPattern(options, shape, name)
    this.#planned = new Planned(
      attentionKernels,
      attentionProblem('attention', shape, this.#pattern),
      this.#pattern,
      options,
    )
  }

  /**
   * Computes the attention. Shapes and strides as in {@link attention}; sizes are those of the plan, or where it has no mask
   * any number of tokens and keys up to its own.
   *
   * @throws TypeError if an operand is not a tensor or the plan is disposed
   * @throws RangeError if shapes or lengths do not fit, or `out` overlaps an input
   */
  run(q: Tensor, k: Tensor, v: Tensor, options: AttentionRunOptions = {}): AttentionResult {
    const name = 'attention'
    this.#planned.expectAlive()
    expectOptions(options, name)
    const { problem } = this.#planned
    const [query, key, value] = [
      expectHeads(q, `${name}: q`),
      expectHeads(k, `${name}: k`),
      expectHeads(v, `${name}: v`),
    ]
    const shape = expectOperands(problem, query, key, value, name)
    const ranges = keyRanges(shape, this.#pattern.causal, options, name)
    const out = options.out ?? zeros(q.shape)
    const output = expectWritable(out, query.shape, `${name}: out`)
    for (const [operand, input] of Object.entries({ q, k, v }))
      if (options.out && overlaps(out, input)) throw rangeError('NNZ_VALUE', `${name}: out overlaps ${operand}`)
    const logSumExp = zeros(q.shape.slice(0, -1))
    const { scale } = this.#pattern
    this.#planned.run({ q: query, k: key, v: value, ranges, scale, output, logSumExp: logSumExp.data })
    return { output: out, logSumExp }
  }

  /** Which kernel runs, and why; flops, bytes and the bytes of the packed pattern. */
  explain(): AttentionExplanation {
    return this.#planned.explain(flops(this.#planned.problem), bytes(this.#planned.problem))
  }

  /** Releases what the plan holds. */
  dispose(): void {
    this.#planned.dispose()
  }
}

registerDispose(AttentionPlan.prototype)

function run(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): AttentionResult {
  expectOptions(options, 'attention')
  const shape = shapeOf(expectHeads(q, 'attention: q'), expectHeads(k, 'attention: k'))
  const plan = new AttentionPlan({ ...options, ...shape }, 'attention')
  try {
    return plan.run(q, k, v, options)
  } finally {
    plan.dispose()
  }
}

/** For each kernel of the table: `true` if it supports the problem, else the reason why not. */
export function supports(problem: AttentionProblem): Record<string, true | string> {
  return supportsOf(attentionKernels, problem, 'attention.supports')
}

/**
 * Attention softmax(scale q kᵀ) v over the pairs that a block mask keeps, computed tile by tile with an online softmax
 * (FlashAttention, arXiv 2205.14135): no buffer grows with tokens².
 *
 * - `attention(q, k, v, { mask, causal, scale, keyLengths, sequenceOffsets, out })`: q [heads, tokens, headDim], k and v
 *   [keyHeads, keys, headDim], or each with a batch axis in front. keyHeads divides heads (grouped-query attention, arXiv
 *   2305.13245). Any strides, but 1 along headDim; headDim a multiple of 4 up to 256. Returns
 *   `{ output, logSumExp }`.
 * - `attention.plan({ batch, heads, keyHeads, tokens, keys, headDim, mask, causal, scale })` prepares the pattern once; see
 *   {@link AttentionPlan}.
 * - `attention.kernels` are the rows of the table, `attention.supports(problem)` says which of them can run a problem.
 *
 * A query that may attend to nothing gives zeros and a logSumExp of -Infinity.
 *
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes, strides or lengths do not fit
 */
export const attention = Object.assign(run, {
  plan: (options: AttentionPlanOptions): AttentionPlan => new AttentionPlan(options),
  kernels: attentionKernels,
  supports,
})
