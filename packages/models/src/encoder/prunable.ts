import { tensor } from '@nnz/core'
import type { PrunableLayer, PrunableNetwork, StreamVisitor } from '@nnz/prune'
import type { Forward, Group } from './forward.ts'
import type { Pass, Stage } from './layer.ts'

/** A group of sequences between two stages: hidden states, and the next stage's input where that is something else. */
class Batch {
  readonly pass: Pass
  #x = new Float32Array()
  #input: Float32Array | undefined

  constructor(pass: Pass) {
    this.pass = pass
  }

  keep(next: Stage | undefined): void {
    const { rooms } = this.pass
    const input = next?.input(rooms)
    this.#x = rooms.x.tensor.data.slice()
    this.#input = input && input !== rooms.x ? input.tensor.data.slice() : undefined
  }

  restore(stage: Stage): void {
    const { rooms } = this.pass
    rooms.x.tensor.data.set(this.#x)
    if (this.#input) stage.input(rooms).tensor.data.set(this.#input)
  }
}

/** The linear layers of an encoder, and a forward pass over some sequences that stops after each stage. */
export class PrunableEncoder implements PrunableNetwork {
  readonly stages: readonly (readonly PrunableLayer[])[]
  readonly #forward: Forward
  readonly #groups: readonly Group[]

  constructor(forward: Forward, groups: readonly Group[]) {
    this.#forward = forward
    this.#groups = groups
    this.stages = forward.stages.map(({ product }) => product.stack.parts)
  }

  async stream(visitor: StreamVisitor): Promise<void> {
    const { stages } = this.#forward
    // All batches share the room that the largest of them needs.
    this.#forward.reserve(this.#groups.reduce((most, { tokens }) => Math.max(most, tokens), 0))
    const batches = this.#groups.map((group) => {
      const batch = new Batch(this.#forward.embed(group, {}))
      batch.keep(stages[0])
      return batch
    })
    for (const [index, stage] of stages.entries()) {
      for (const batch of batches) {
        batch.restore(stage)
        const { rooms, tokens } = batch.pass
        const { tensor: input, stride } = stage.input(rooms)
        const x = tensor(input.data, [tokens, input.shape[0]], { strides: [1, stride] })
        for (const layer of this.stages[index]) visitor.observe(layer, x)
      }
      await visitor.finished(index)
      for (const batch of batches) {
        batch.restore(stage)
        stage.run(batch.pass)
        batch.keep(stages[index + 1])
      }
    }
  }
}
