import type { Tensor } from '@nnz/core'

/** Inputs and, for each row of the network's output, the right class. */
export interface Batch {
  readonly x: Tensor
  readonly labels: Uint32Array
}

/** What a network is trained for. */
export interface Task {
  /** What the data are and how many: for records. */
  readonly description: string
  readonly classes: number
  /** Pixels of a side of an image; 0 for text. */
  readonly side: number
  /** Tokens of a sequence; 0 for images. */
  readonly context: number
  /** The batch of a step: the same for the same numbers. */
  batch(seed: number, step: number, size: number): Batch
  /** Data that are never trained on, in batches. */
  held(size: number): Iterable<Batch>
}

/** A file that is not what it should be: the message names it and the place. */
export class FormatError extends RangeError {
  constructor(file: string, offset: number, message: string) {
    super(`${file}, byte ${offset}: ${message}`)
    this.name = 'FormatError'
  }
}
