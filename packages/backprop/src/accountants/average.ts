import { rangeError } from '@nnz/core'
import { expectArguments } from '../kit/arguments.ts'

/** Averages a count, such as that of kept parameters, over the steps of a training. */
export class RunningAverage {
  #sum = 0
  #steps = 0

  /** Notes the count during `steps` steps. */
  add(count: number, steps = 1): void {
    if (!(count >= 0 && steps >= 0)) throw rangeError('NNZ_VALUE', `RunningAverage: got ${count} over ${steps} steps`)
    this.#sum += count * steps
    this.#steps += steps
  }

  get steps(): number {
    return this.#steps
  }

  /** 0 before the first step. */
  get value(): number {
    return this.#steps === 0 ? 0 : this.#sum / this.#steps
  }

  /** What {@link restore} takes. */
  get saved(): readonly [sum: number, steps: number] {
    return [this.#sum, this.#steps]
  }

  restore(saved: readonly [sum: number, steps: number]): void {
    expectArguments('RunningAverage', { numbers: { saved } })
    const [sum, steps] = saved
    this.#sum = sum
    this.#steps = steps
  }
}
