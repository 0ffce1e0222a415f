import { Random } from '@nnz/backprop/kit'
import { tensor } from '@nnz/core'
import type { Batch, Task } from './task.ts'

/** Square grey images, a row of pixels in 0..1 each, and their classes. */
export interface Images {
  readonly side: number
  readonly pixels: Float32Array
  readonly labels: Uint8Array
}

function pick({ side, pixels, labels }: Images, chosen: Uint32Array): Batch {
  const size = side * side
  const values = new Float32Array(chosen.length * size)
  chosen.forEach((image, i) => {
    values.set(pixels.subarray(image * size, (image + 1) * size), i * size)
  })
  return { x: tensor(values, [chosen.length, size]), labels: Uint32Array.from(chosen, (image) => labels[image]) }
}

/** Classification of images. Every epoch sees each image once, in an order of its own; what does not fill a batch waits. */
export function imageTask(name: string, train: Images, test: Images): Task {
  let epoch: { key: string; order: Uint32Array } = { key: '', order: new Uint32Array(0) }
  return {
    description: `${name}, ${train.labels.length} images to train on and ${test.labels.length} to judge on`,
    classes: 10,
    side: train.side,
    context: 0,
    batch(seed, step, size) {
      const count = train.labels.length
      const steps = Math.floor(count / size)
      if (steps === 0) throw new RangeError(`a batch of ${size} images does not fit into ${count}`)
      const key = `${seed} ${Math.floor(step / steps)}`
      if (epoch.key !== key) epoch = { key, order: new Random(seed, 1, Math.floor(step / steps)).sample(count, count) }
      const begin = (step % steps) * size
      return pick(train, epoch.order.subarray(begin, begin + size))
    },
    *held(size) {
      const count = test.labels.length
      for (let begin = 0; begin < count; begin += size)
        yield pick(
          test,
          Uint32Array.from({ length: Math.min(size, count - begin) }, (_, i) => begin + i),
        )
    },
  }
}
