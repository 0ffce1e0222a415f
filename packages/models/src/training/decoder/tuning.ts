import { adamW, clipGradients, type Optimiser, warmupCosine } from '@nnz/backprop/kit'
import { type Tensor, tensor } from '@nnz/core'
import type { Decoder } from '../../decoder/decoder.ts'
import { Batches } from '../batches.ts'
import { NextTokenLoss } from './next-token-loss.ts'
import type { TrainableDecoder } from './trainable-decoder.ts'

/** Options of {@link DecoderTuning}. */
export interface DecoderTuningOptions {
  /** The dense decoder that is learnt from; it takes as many tokens at once as a step has. */
  readonly teacher: Decoder
  readonly student: TrainableDecoder
  /** Windows of tokens to learn on. */
  readonly windows: readonly (readonly number[])[]
  /** The most tokens of a step. */
  readonly tokens: number
  readonly steps: number
  /** The highest; it rises over the first steps and falls along a cosine. */
  readonly learningRate: number
  /** Steps over which the rate rises. Default: a tenth of all. */
  readonly warmup?: number
  /** What the teacher's distribution weighs beside the next token, 0..1. Default: 0.5. */
  readonly share?: number
  readonly seed: number
  /** The teacher's states of windows that were seen before, kept by whoever tunes several students. */
  readonly taught?: Map<readonly number[], Float32Array>
}

/** What one step came to. */
export interface TuningStep {
  /** Steps taken, this one included. */
  readonly step: number
  readonly loss: number
  /** -log p of the next token, in nats. */
  readonly surprise: number
  /** From the teacher's distribution, in nats. */
  readonly divergence: number
}

const LARGEST_NORM = 1

/**
 * Teaches a pruned decoder on text: half the logits of the dense one, half the next token, with AdamW on the kept entries.
 * Given the dense decoder as student, it tunes that in the same way, for comparison.
 */
export class DecoderTuning {
  readonly #options: DecoderTuningOptions
  readonly #batches: Batches
  readonly #rate: (step: number) => number
  readonly #taught: Map<readonly number[], Float32Array>
  readonly #loss: NextTokenLoss
  readonly optimiser: Optimiser

  constructor(options: DecoderTuningOptions) {
    const { learningRate, steps, warmup = Math.ceil(steps / 10), windows, tokens, seed, teacher } = options
    this.#options = options
    this.#batches = new Batches(windows, tokens, seed)
    this.#rate = warmupCosine({ peak: learningRate, steps, warmup })
    this.#taught = options.taught ?? new Map()
    const { vocabulary, width } = teacher.config
    const head = tensor(teacher.head.rows(0, vocabulary), [vocabulary, width])
    this.#loss = new NextTokenLoss(head, tokens, options.share)
    this.optimiser = adamW({ learningRate, beta2: 0.98 })
  }

  get done(): boolean {
    return this.optimiser.steps >= this.#options.steps
  }

  step(): TuningStep {
    const { student, teacher } = this.#options
    const windows = this.#batches.at(this.optimiser.steps)
    const sequenceOffsets = [0]
    for (const { length } of windows) sequenceOffsets.push(sequenceOffsets[sequenceOffsets.length - 1] + length)
    const labels = windows.flatMap((window) => [...window.slice(1), -1])
    const taught = this.#teach(windows)
    const states = student.forward(teacher.head.embed(windows.flat()), sequenceOffsets)
    const { loss, surprise, divergence, gradient } = this.#loss.run(states, labels, taught)
    student.backward(gradient)
    const { parameters } = student
    clipGradients(parameters, LARGEST_NORM)
    this.optimiser.step(parameters, this.#rate(this.optimiser.steps))
    return { step: this.optimiser.steps, loss, surprise, divergence }
  }

  /** Releases the room for logits. */
  dispose(): void {
    this.#loss.dispose()
  }

  /** The teacher's normalised states, the windows laid end to end. */
  #teach(windows: readonly (readonly number[])[]): Tensor {
    const { teacher } = this.#options
    const { width } = teacher.config
    const fresh = windows.filter((window) => !this.#taught.has(window))
    if (fresh.length > 0) {
      const { data } = teacher.run(fresh)
      let at = 0
      for (const window of fresh) {
        this.#taught.set(window, data.slice(at, at + window.length * width))
        at += window.length * width
      }
    }
    const all = new Float32Array(windows.reduce((sum, { length }) => sum + length * width, 0))
    let at = 0
    for (const window of windows) {
      all.set(this.#taught.get(window)!, at)
      at += window.length * width
    }
    return tensor(all, [all.length / width, width])
  }
}
