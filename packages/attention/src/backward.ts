import { overlaps, rangeError, registerDispose, type Tensor, zeros } from '@nnz/core'
import { expectOperands, plannedShape, shapeOf } from './attention.ts'
import { backwardKernels } from './kernels/index.ts'
import type { BackwardArguments, Pattern } from './kernels/types.ts'
import { expectHeads, expectLogSumExp, expectShape, expectWritable } from './operands.ts'
import {
  type AttentionPlanOptions,
  type CheckedPattern,
  type ExecutionOptions,
  expectOptions,
  expectPattern,
  type PatternOptions,
} from './options.ts'
import { type AttentionExplanation, Planned, supportsOf } from './planned.ts'
import { type AttentionProblem, attentionProblem, bytes, flops } from './problem.ts'
import { keyRanges, type Lengths } from './ranges.ts'

/** What the forward pass read and returned. */
export interface SavedTensors extends Lengths {
  q: Tensor
  k: Tensor
  v: Tensor
  output: Tensor
  logSumExp: Tensor
}

/** As {@link SavedTensors}, with the options of the forward call. */
export interface Saved extends SavedTensors, PatternOptions {}

/** Gradients, in the shapes of q, k and v. */
export interface Gradients {
  readonly dQ: Tensor
  readonly dK: Tensor
  readonly dV: Tensor
}

/** Options of one run. */
export interface BackwardRunOptions {
  /** Written and returned, instead of new tensors on the JS heap. */
  out?: Partial<Gradients> | undefined
}

const NAME = 'attentionBackward'

/** The pattern and the kernel of backward passes of one size. */
export class AttentionBackwardPlan implements Partial<Disposable> {
  declare readonly [Symbol.dispose]: () => void
  readonly #planned: Planned<AttentionProblem, Pattern, BackwardArguments>
  readonly #pattern: CheckedPattern

  /** Use `attentionBackward.plan`. */
  constructor(options: AttentionPlanOptions, name = `${NAME}.plan`) {
    const shape = plannedShape(options, name)
    this.#pattern = expectPattern(options, shape, name)
    this.#planned = new Planned(backwardKernels, attentionProblem(NAME, shape, this.#pattern), this.#pattern, options)
  }

  /**
   * Computes the gradients; see {@link attentionBackward}.
   *
   * @throws TypeError if an operand is not a tensor or the plan is disposed
   * @throws RangeError if shapes or lengths do not fit, or an output overlaps an input
   */
  run(dOutput: Tensor, saved: SavedTensors, options: BackwardRunOptions = {}): Gradients {
    this.#planned.expectAlive()
    expectOptions(saved, `${NAME}: saved`)
    expectOptions(options, NAME)
    const { out = {} } = options
    expectOptions(out, `${NAME}: out`)
    const { problem } = this.#planned
    const q = expectHeads(saved.q, `${NAME}: q`)
    const k = expectHeads(saved.k, `${NAME}: k`)
    const v = expectHeads(saved.v, `${NAME}: v`)
    const shape = expectOperands(problem, q, k, v, NAME)
    const output = expectHeads(saved.output, `${NAME}: output`)
    const slope = expectHeads(dOutput, `${NAME}: dOutput`)
    expectShape(output, q.shape, `${NAME}: output`)
    expectShape(slope, q.shape, `${NAME}: dOutput`)
    const logSumExp = expectLogSumExp(saved.logSumExp, saved.q, `${NAME}: logSumExp`)
    const ranges = keyRanges(shape, this.#pattern.causal, saved, NAME)
    const dQ = out.dQ ?? zeros(saved.q.shape)
    const dK = out.dK ?? zeros(saved.k.shape)
    const dV = out.dV ?? zeros(saved.v.shape)
    const inputs = [saved.q, saved.k, saved.v, saved.output, saved.logSumExp, dOutput]
    const given: (Tensor | undefined)[] = [out.dQ, out.dK, out.dV]
    given.forEach((tensor, i) => {
      if (tensor && [...inputs, ...given.slice(0, i)].some((other) => other && overlaps(tensor, other)))
        throw rangeError('NNZ_VALUE', `${NAME}: ${['dQ', 'dK', 'dV'][i]} overlaps another operand`)
    })
    this.#planned.run({
      q,
      k,
      v,
      output,
      logSumExp,
      ranges,
      scale: this.#pattern.scale,
      dOutput: slope,
      dQ: expectWritable(dQ, q.shape, `${NAME}: dQ`),
      dK: expectWritable(dK, k.shape, `${NAME}: dK`),
      dV: expectWritable(dV, v.shape, `${NAME}: dV`),
    })
    return { dQ, dK, dV }
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

registerDispose(AttentionBackwardPlan.prototype)

function run(dOutput: Tensor, saved: Saved, options: BackwardRunOptions & ExecutionOptions = {}): Gradients {
  expectOptions(saved, `${NAME}: saved`)
  expectOptions(options, NAME)
  const shape = shapeOf(expectHeads(saved.q, `${NAME}: q`), expectHeads(saved.k, `${NAME}: k`))
  const { mask, causal, scale } = saved
  const plan = new AttentionBackwardPlan({ ...options, ...shape, mask, causal, scale }, NAME)
  try {
    return plan.run(dOutput, saved, options)
  } finally {
    plan.dispose()
  }
}

/**
 * Gradients of {@link attention}: dQ, dK and dV from dOutput. Weights are computed anew from logSumExp, and sums are taken
 * in a fixed order: the same bits for any number of threads, which share out the key heads, or where these are few parts of
 * their queries.
 *
 * - `attentionBackward(dOutput, { q, k, v, output, logSumExp, mask, causal, scale, keyLengths, sequenceOffsets })`: what the
 *   forward call read and returned, with the options that it had.
 * - `attentionBackward.plan(…)`, as `attention.plan`; see {@link AttentionBackwardPlan}.
 * - `attentionBackward.kernels` and `attentionBackward.supports(problem)`, as of {@link attention}.
 *
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes, strides or lengths do not fit
 */
export const attentionBackward = Object.assign(run, {
  plan: (options: AttentionPlanOptions): AttentionBackwardPlan => new AttentionBackwardPlan(options),
  kernels: backwardKernels,
  supports: (problem: AttentionProblem) => supportsOf(backwardKernels, problem, `${NAME}.supports`),
})
