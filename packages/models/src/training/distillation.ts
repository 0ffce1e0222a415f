import { adamW, clipGradients, type Optimiser, squareHead, warmupCosine } from '@nnz/backprop/kit'
import { type Tensor, tensor } from '@nnz/core'
import type { Encoder } from '../encoder/encoder.ts'
import { Batches } from './batches.ts'
import { embeddingLoss } from './embedding-loss.ts'
import type { TrainableEncoder } from './trainable-encoder.ts'

/** Options of {@link Distillation}. */
export interface DistillationOptions {
  /** What is learnt from, on as many tokens at once as a step has. */
  readonly teacher: Encoder
  readonly student: TrainableEncoder
  /** The tokens of every sentence to learn on. */
  readonly sequences: readonly (readonly number[])[]
  /** The most tokens of a step. */
  readonly tokens: number
  readonly steps: number
  /** The highest; it rises over the first steps and falls along a cosine. */
  readonly learningRate: number
  /** Steps over which the rate rises. Default: a twentieth of all. */
  readonly warmup?: number
  /** What the embeddings weigh beside the hidden states of all layers together. Default: 1. */
  readonly embeddingWeight?: number
  readonly seed: number
  /** What the teacher said of sequences that were seen before, kept by whoever teaches several students. */
  readonly taught?: Map<readonly number[], TaughtSequence>
}

/** What a teacher computes of a sequence. */
export interface TaughtSequence {
  /** What its embeddings give, and the hidden states after each block: [tokens, width] each. */
  readonly states: readonly Float32Array[]
}

/** What one step came to. */
export interface DistillationStep {
  /** Steps taken, this one included. */
  readonly step: number
  readonly loss: number
  /** 1 - cosine to the teacher's embeddings, the mean over the sentences. */
  readonly embeddingLoss: number
  /** Relative squared error of the hidden states, the mean over the layers. */
  readonly hiddenLoss: number
}

const LARGEST_NORM = 1

/**
 * Teaches a pruned encoder to compute what the dense one does: hidden states of every layer by SquareHead (Kurtic et al.,
 * arXiv 2310.06927) and embeddings by their cosine, with AdamW on the kept entries.
 */
export class Distillation {
  readonly #options: DistillationOptions
  readonly #batches: Batches
  readonly #rate: (step: number) => number
  readonly #taught: Map<readonly number[], TaughtSequence>
  readonly optimiser: Optimiser

  constructor(options: DistillationOptions) {
    const { learningRate, steps, warmup = Math.ceil(steps / 20), sequences, tokens, seed } = options
    this.#options = options
    this.#taught = options.taught ?? new Map()
    this.#batches = new Batches(sequences, tokens, seed)
    this.#rate = warmupCosine({ peak: learningRate, steps, warmup })
    this.optimiser = adamW({ learningRate })
  }

  get done(): boolean {
    return this.optimiser.steps >= this.#options.steps
  }

  step(): DistillationStep {
    const { student, embeddingWeight = 1 } = this.#options
    const sequences = this.#batches.at(this.optimiser.steps)
    const sequenceOffsets = [0]
    for (const { length } of sequences) sequenceOffsets.push(sequenceOffsets[sequenceOffsets.length - 1] + length)
    const [input, ...targets] = this.#teach(sequences)
    const states = student.forward(input, sequenceOffsets)
    let hiddenLoss = 0
    const slopes = states.map((state, i) => {
      const { loss, gradient } = squareHead(state, targets[i])
      hiddenLoss += loss / states.length
      for (let j = 0; j < gradient.data.length; j++) gradient.data[j] /= states.length
      return gradient
    })
    const last = slopes.length - 1
    const output = embeddingLoss(states[last], targets[last], sequenceOffsets)
    for (let i = 0; i < output.gradient.data.length; i++)
      slopes[last].data[i] += embeddingWeight * output.gradient.data[i]
    student.backward(slopes)
    const { parameters } = student
    clipGradients(parameters, LARGEST_NORM)
    this.optimiser.step(parameters, this.#rate(this.optimiser.steps))
    const loss = hiddenLoss + embeddingWeight * output.loss
    return { step: this.optimiser.steps, loss, hiddenLoss, embeddingLoss: output.loss }
  }

  /** What the teacher computes of some sequences, laid end to end: what its embeddings give, and the states after each block. */
  #teach(sequences: readonly (readonly number[])[]): Tensor[] {
    const { teacher } = this.#options
    const fresh = sequences.filter((sequence) => !this.#taught.has(sequence))
    if (fresh.length > 0) {
      const states = statesOf(teacher, fresh)
      let at = 0
      for (const sequence of fresh) {
        const end = at + sequence.length * teacher.config.width
        this.#taught.set(sequence, { states: states.map((state) => state.slice(at, end)) })
        at = end
      }
    }
    const all = sequences.map((sequence) => this.#taught.get(sequence)!.states)
    return all[0].map((_, layer) =>
      endToEnd(
        all.map((states) => states[layer]),
        teacher.config.width,
      ),
    )
  }
}

function statesOf(teacher: Encoder, sequences: readonly (readonly number[])[]): Float32Array[] {
  const inputs: Float32Array[] = []
  const last = teacher.run(sequences, {
    linear(name, { data }) {
      if (name.endsWith('.attention.self.query')) inputs.push(data.slice())
    },
  })
  return [...inputs, last.data]
}

function endToEnd(parts: readonly Float32Array[], width: number): Tensor {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return tensor(all, [all.length / width, width])
}
