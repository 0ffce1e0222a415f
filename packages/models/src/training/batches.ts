import { Random } from '@nnz/backprop/kit'

/** Batches of sequences without end: every sequence once in each epoch, in another order each time. */
export class Batches {
  readonly #sequences: readonly (readonly number[])[]
  readonly #tokens: number
  readonly #seed: number
  /** Batches up to the end of each epoch that was needed so far. */
  readonly #ends: number[] = []
  #epoch: { readonly index: number; readonly batches: readonly (readonly number[])[] } | undefined

  /** @param tokens the most of one batch; a sequence is never cut */
  constructor(sequences: readonly (readonly number[])[], tokens: number, seed: number) {
    const long = sequences.find(({ length }) => length > tokens)
    if (sequences.length === 0 || long)
      throw new RangeError(
        `batches of ${tokens} tokens: expected sequences of at most as many, got ${long?.length ?? 'none'}`,
      )
    this.#sequences = sequences
    this.#tokens = tokens
    this.#seed = seed
  }

  /** The batch of a step, from 0 on; the same for the same seed, whichever came before. */
  at(step: number): readonly (readonly number[])[] {
    let epoch = 0
    while (step >= this.#end(epoch)) epoch++
    const { batches } = this.#open(epoch)
    return batches[step - (epoch > 0 ? this.#end(epoch - 1) : 0)].map((index) => this.#sequences[index])
  }

  #end(epoch: number): number {
    if (this.#ends[epoch] === undefined)
      this.#ends[epoch] = (epoch > 0 ? this.#end(epoch - 1) : 0) + this.#open(epoch).batches.length
    return this.#ends[epoch]
  }

  #open(index: number): { readonly batches: readonly (readonly number[])[] } {
    if (this.#epoch?.index !== index) {
      const count = this.#sequences.length
      const batches: number[][] = []
      let size = Number.POSITIVE_INFINITY
      for (const sequence of new Random(this.#seed, index).sample(count, count)) {
        const { length } = this.#sequences[sequence]
        if (size + length > this.#tokens) {
          batches.push([])
          size = 0
        }
        batches[batches.length - 1].push(sequence)
        size += length
      }
      this.#epoch = { index, batches }
    }
    return this.#epoch
  }
}
