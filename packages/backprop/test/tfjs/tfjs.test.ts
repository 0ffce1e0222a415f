import { csr } from '@nnz/core'
import '@tensorflow/tfjs-backend-cpu'
import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { positionsOf, Random, randomMask } from '../../src/kit/index.ts'
import { tensorFlowOperations } from '../../src/tfjs/index.ts'

const random = new Random(1)
const normals = (length: number) => Float32Array.from({ length }, () => random.normal())
const operations = tensorFlowOperations(tf)

/** A sparse layer of TensorFlow.js layers, as a user writes it around the operation. */
class SparseDense extends layers.layers.Layer {
  static readonly className = 'SparseDense'
  readonly #pattern = randomMask([16, 12], 60, 4)
  readonly #call = operations.linear(csr({ ...this.#pattern, values: new Float32Array(60) }), { tokens: 64 })
  #values!: layers.LayerVariable

  override build(): void {
    this.#values = this.addWeight('values', [60], 'float32', layers.initializers.randomNormal({ stddev: 0.5, seed: 3 }))
    this.built = true
  }
  override computeOutputShape(): layers.Shape {
    return [null, 16]
  }
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const x = (Array.isArray(inputs) ? inputs[0] : inputs) as tf.Tensor2D
    return this.#call(x, this.#values.read() as tf.Tensor1D)
  }
}

beforeAll(() => tf.setBackend('cpu'))
afterAll(() => tf.disposeVariables())

/** A matrix of tfjs with the values at the places of a pattern, made of its own operations so that it has gradients. */
function dense(values: tf.Tensor1D, positions: Uint32Array, [rows, columns]: [number, number]): tf.Tensor2D {
  const places = tf.oneHot(tf.tensor1d([...positions], 'int32'), rows * columns)
  const row = tf.matMul(tf.reshape(values, [1, positions.length]), tf.cast(places, 'float32'))
  return tf.reshape(row, [rows, columns])
}

async function expectClose(got: tf.Tensor, expected: tf.Tensor): Promise<void> {
  expect(got.shape).toEqual(expected.shape)
  const [a, b] = [await got.data(), await expected.data()]
  a.forEach((value, i) => {
    expect(Math.abs(value - b[i])).toBeLessThan(1e-4)
  })
}

const pattern = csr({ ...randomMask([7, 9], 20, 2), values: normals(20) })
const positions = positionsOf(pattern)

describe('operations and their gradients are those of tfjs on the dense matrix', () => {
  // Weighting the result makes gradients that differ from place to place.
  const weighted = (y: tf.Tensor, seed: number) => {
    const own = new Random(seed)
    const weights = Float32Array.from({ length: y.size }, () => own.normal())
    return tf.sum(tf.mul(y, tf.tensor(weights, y.shape))) as tf.Scalar
  }

  it.each([
    [
      'linear',
      operations.linear(pattern, { tokens: 5 }),
      (x: tf.Tensor2D, v: tf.Tensor1D) => tf.matMul(x, dense(v, positions, [7, 9]), false, true),
      [tf.tensor2d(normals(45), [5, 9]), tf.tensor1d(normals(20))],
    ],
    [
      'product',
      operations.product(pattern),
      (v: tf.Tensor1D, x: tf.Tensor2D) => tf.matMul(dense(v, positions, [7, 9]), x),
      [tf.tensor1d(normals(20)), tf.tensor2d(normals(36), [9, 4])],
    ],
    [
      'sampledProduct',
      operations.sampledProduct(pattern),
      (a: tf.Tensor2D, b: tf.Tensor2D) =>
        tf.gather(tf.reshape(tf.matMul(a, b), [63]), tf.tensor1d([...positions], 'int32')),
      [tf.tensor2d(normals(21), [7, 3]), tf.tensor2d(normals(27), [3, 9])],
    ],
    [
      'softmax',
      operations.softmax(pattern, 0.7),
      (v: tf.Tensor1D) => {
        const kept = dense(tf.onesLike(v), positions, [7, 9])
        const exponentials = tf.mul(tf.exp(tf.mul(dense(v, positions, [7, 9]), 0.7)), kept)
        // Rows without entries have a sum of zero, which nothing may be divided by.
        const counts = Array.from({ length: 7 }, (_, row) => pattern.rowOffsets[row + 1] - pattern.rowOffsets[row])
        const empty = tf.tensor2d(counts.map((count) => [Number(count === 0)]))
        const sums = tf.add(tf.sum(exponentials, 1, true), empty)
        return tf.gather(tf.reshape(tf.div(exponentials, sums), [63]), tf.tensor1d([...positions], 'int32'))
      },
      [tf.tensor1d(normals(20))],
    ],
  ] as [string, (...args: tf.Tensor[]) => tf.Tensor, (...args: tf.Tensor[]) => tf.Tensor, tf.Tensor[]][])(
    '%s',
    async (_, sparse, plain, args) => {
      await expectClose(sparse(...args), plain(...args))
      const gradients = [sparse, plain].map((f) => tf.grads((...inputs) => weighted(f(...inputs), 5))(args))
      for (const i of args.keys()) await expectClose(gradients[0][i], gradients[1][i])
    },
  )
})

it('a layers model with a sparse layer trains, and its pattern stays', async () => {
  const sparse = new SparseDense({ inputShape: [12] })
  const model = layers.sequential({
    layers: [sparse, layers.layers.reLU(), layers.layers.dense({ units: 3, activation: 'softmax' })],
  })
  model.compile({ optimizer: new tf.AdamOptimizer(0.02, 0.9, 0.999, 1e-7), loss: 'categoricalCrossentropy' })
  expect(model.countParams()).toBe(60 + 16 * 3 + 3)
  const classes = Uint8Array.from({ length: 64 }, (_, i) => i % 3)
  const x = tf.tensor2d(
    normals(64 * 12).map((v, i) => v + 2 * Number(i % 12 === classes[Math.floor(i / 12)])),
    [64, 12],
  )
  const y = tf.oneHot(tf.tensor1d(classes, 'int32'), 3)
  const { history } = await model.fit(x, y, { epochs: 12, batchSize: 16, shuffle: false, verbose: 0 })
  const losses = history.loss as number[]
  expect(losses.at(-1)).toBeLessThan(0.7 * losses[0])
})

it('values of another number are refused', () => {
  expect(() => operations.product(pattern)(tf.tensor1d([1]), tf.tensor2d([1], [1, 1]))).toThrow(/20 values/)
})
