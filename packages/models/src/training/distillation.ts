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
  readonly optimiser: Optimiser
  #steps = 0

  constructor(options: DistillationOptions) {
    const { learningRate, steps, warmup = Math.ceil(steps / 20), sequences, tokens, seed } = options
    this.#options = options
    this.#batches = new Batches(sequences, tokens, seed)
    this.#rate = warmupCosine({ peak: learningRate, steps, warmup })
    this.optimiser = adamW({ learningRate })
  }

  get done(): boolean {
    return this.#steps >= this.#options.steps
  }

  step(): DistillationStep {
    const { teacher, student, embeddingWeight = 1 } = this.#options
    const sequences = this.#batches.at(this.#steps)
    const taught = teach(teacher, sequences)
    const states = student.forward(taught.input, taught.sequenceOffsets)
    let hiddenLoss = 0
    const slopes = states.map((state, i) => {
      const { loss, gradient } = squareHead(state, taught.states[i])
      hiddenLoss += loss / states.length
      const { data } = gradient
      for (let j = 0; j < data.length; j++) data[j] /= states.length
      return gradient
    })
    const last = slopes[slopes.length - 1].data
    const output = embeddingLoss(states[states.length - 1], taught.sequenceOffsets, taught.embeddings)
    for (let i = 0; i < last.length; i++) last[i] += embeddingWeight * output.gradient.data[i]
    student.backward(slopes)
    const { parameters } = student
    clipGradients(parameters, LARGEST_NORM)
    this.optimiser.step(parameters, this.#rate(this.#steps))
    this.#steps++
    const loss = hiddenLoss + embeddingWeight * output.loss
    return { step: this.#steps, loss, hiddenLoss, embeddingLoss: output.loss }
  }
}

interface Taught {
  /** What the embeddings give: the input of the first block. */
  readonly input: Tensor
  /** After each block. */
  readonly states: readonly Tensor[]
  readonly embeddings: Tensor
  readonly sequenceOffsets: readonly number[]
}

/** What the teacher computes on the way to its embeddings. */
function teach(teacher: Encoder, sequences: readonly (readonly number[])[]): Taught {
  const seen: Tensor[] = []
  const last = teacher.run(sequences, {
    linear(name, input) {
      if (name.endsWith('.attention.self.query')) seen.push(tensor(input.data.slice(), input.shape))
    },
  })
  const sequenceOffsets = [0]
  for (const { length } of sequences) sequenceOffsets.push(sequenceOffsets[sequenceOffsets.length - 1] + length)
  const [input, ...inner] = seen
  return { input, states: [...inner, last], embeddings: meanEmbeddings(last, sequenceOffsets), sequenceOffsets }
}

function meanEmbeddings(states: Tensor, sequenceOffsets: readonly number[]): Tensor {
  const width = states.shape[1]
  const count = sequenceOffsets.length - 1
  const result = new Float32Array(count * width)
  for (let s = 0; s < count; s++) {
    const mean = result.subarray(s * width, (s + 1) * width)
    for (let at = sequenceOffsets[s] * width; at < sequenceOffsets[s + 1] * width; at++)
      mean[at % width] += states.data[at]
    const length = Math.hypot(...mean) || 1
    for (let i = 0; i < width; i++) mean[i] /= length
  }
  return tensor(result, [count, width])
}
