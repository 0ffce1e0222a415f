import { type Csr, csr, rangeError, type Tensor, tensor, transposed } from '@nnz/core'
import { linear, type SpmmPlan, spmm } from '@nnz/spmm'
import type * as tf from '@tensorflow/tfjs-core'
import { linearBackward } from '../backward/backward.ts'
import type { SpmmBackwardPlan } from '../backward/plan.ts'
import { sddmm } from '../sddmm/sddmm.ts'
import { sparseSoftmax, sparseSoftmaxBackward } from '../softmax/softmax.ts'

/** What is used of `@tensorflow/tfjs-core` or `@tensorflow/tfjs`: the caller's copy is given, none is imported. */
export type TensorFlow = Pick<typeof tf, 'customGrad' | 'tensor1d' | 'tensor2d'>

/** Options of {@link SparseLinear}. */
export interface SparseLinearOptions {
  /** The most rows of x that a call will have. */
  readonly tokens: number
}

/** x·wᵀ with the values of w as a variable: x [tokens, K], values [nnz], result [tokens, M]. */
export interface SparseLinear {
  (x: tf.Tensor2D, values: tf.Tensor1D): tf.Tensor2D
  /** Releases the packed weights. */
  dispose(): void
}

/** (a·b) at the entries of a pattern: a [M, N], b [N, K], result [nnz]. */
export type SampledProduct = (a: tf.Tensor2D, b: tf.Tensor2D) => tf.Tensor1D

/** softmax(scale · values) over each row's entries: [nnz] to [nnz]. */
export type SparseSoftmax = (values: tf.Tensor1D) => tf.Tensor1D

function matrix(x: tf.Tensor): Tensor {
  return tensor(x.dataSync(), x.shape)
}

function vector(x: tf.Tensor): Float32Array {
  return Float32Array.from(x.dataSync())
}

/** Operations on one pattern; values come as tensors of TensorFlow.js, in the order of the csr layout. */
class Patterned {
  readonly tf: TensorFlow
  readonly pattern: Csr

  constructor(tensorFlow: TensorFlow, pattern: Csr) {
    this.tf = tensorFlow
    this.pattern = pattern
  }

  with(values: tf.Tensor): Csr {
    const data = vector(values)
    if (data.length !== this.pattern.nnz)
      throw rangeError('NNZ_SHAPE', `tfjs: expected ${this.pattern.nnz} values (the entries), got ${data.length}`)
    return csr({ ...this.pattern, values: data })
  }

  to2d({ data, shape, strides }: Tensor): tf.Tensor2D {
    const rows = strides[0] === 1 && shape[0] > 1 && shape[1] > 1
    if (!rows) return this.tf.tensor2d(data, [shape[0], shape[1]])
    const turned = Float32Array.from(
      { length: shape[0] * shape[1] },
      (_, i) => data[Math.floor(i / shape[1]) * strides[0] + (i % shape[1]) * strides[1]],
    )
    return this.tf.tensor2d(turned, [shape[0], shape[1]])
  }
}

/** Packs once, takes new values at each call. */
class LinearOperation extends Patterned {
  readonly #tokens: number
  #forward: SpmmPlan | undefined
  #backward: SpmmBackwardPlan | undefined

  constructor(tensorFlow: TensorFlow, pattern: Csr, tokens: number) {
    super(tensorFlow, pattern)
    this.#tokens = tokens
  }

  forward(x: tf.Tensor2D, values: tf.Tensor1D): tf.Tensor2D {
    this.#forward ??= linear.plan(this.pattern, { columns: this.#tokens })
    this.#forward.updateValues(vector(values))
    return this.to2d(this.#forward.run(matrix(x)))
  }

  backward(dy: tf.Tensor, x: tf.Tensor, values: tf.Tensor): [tf.Tensor2D, tf.Tensor1D] {
    this.#backward ??= linearBackward.plan(this.pattern, { columns: this.#tokens })
    this.#backward.updateValues(vector(values))
    const { dx, dValues } = this.#backward.run(matrix(x), matrix(dy))
    return [this.to2d(dx), this.tf.tensor1d(dValues)]
  }

  dispose(): void {
    this.#forward?.dispose()
    this.#backward?.dispose()
    this.#forward = undefined
    this.#backward = undefined
  }
}

/**
 * Sparse operations as custom gradients of TensorFlow.js: what `tf.grad`, `tf.variableGrads` and its optimisers take.
 * Tensors are read with `dataSync`, so that the `cpu` and `wasm` backends are those to use.
 *
 * - `linear(pattern, { tokens })`: a sparse layer; its values are a `tf.Variable` of length nnz.
 * - `sampledProduct(pattern)` and `softmax(pattern, scale)`: with `product` they make attention over a graph.
 * - `product(pattern)`: values as weights of a sum of rows, [nnz] and [K, N] to [M, N].
 *
 * @param tensorFlow `@tensorflow/tfjs-core` or `@tensorflow/tfjs`
 */
export function tensorFlowOperations(tensorFlow: TensorFlow) {
  const { customGrad } = tensorFlow
  return {
    linear(pattern: Csr, { tokens }: SparseLinearOptions): SparseLinear {
      const operation = new LinearOperation(tensorFlow, pattern, tokens)
      const call = customGrad((x, values, save) => {
        const keep = save as tf.GradSaveFunc
        keep([x as tf.Tensor, values as tf.Tensor])
        return {
          value: operation.forward(x as tf.Tensor2D, values as tf.Tensor1D),
          gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => operation.backward(dy, saved[0], saved[1]),
        }
      })
      return Object.assign((x: tf.Tensor2D, values: tf.Tensor1D) => call(x, values) as tf.Tensor2D, {
        dispose: () => operation.dispose(),
      })
    },

    product(pattern: Csr): (values: tf.Tensor1D, x: tf.Tensor2D) => tf.Tensor2D {
      const on = new Patterned(tensorFlow, pattern)
      const call = customGrad((values, x, save) => {
        const keep = save as tf.GradSaveFunc
        keep([values as tf.Tensor, x as tf.Tensor])
        return {
          value: on.to2d(spmm(on.with(values as tf.Tensor), matrix(x as tf.Tensor))),
          gradFunc: (dy: tf.Tensor, [weights, rows]: tf.Tensor[]) => [
            tensorFlow.tensor1d(sddmm(matrix(dy), transposed(matrix(rows)), pattern).values),
            on.to2d(spmm(csr.transpose(on.with(weights)), matrix(dy))),
          ],
        }
      })
      return (values, x) => call(values, x) as tf.Tensor2D
    },

    sampledProduct(pattern: Csr): SampledProduct {
      const on = new Patterned(tensorFlow, pattern)
      const call = customGrad((a, b, save) => {
        const keep = save as tf.GradSaveFunc
        keep([a as tf.Tensor, b as tf.Tensor])
        return {
          value: tensorFlow.tensor1d(sddmm(matrix(a as tf.Tensor), matrix(b as tf.Tensor), pattern).values),
          gradFunc: (dy: tf.Tensor, [left, right]: tf.Tensor[]) => {
            const slopes = on.with(dy)
            return [
              on.to2d(spmm(slopes, transposed(matrix(right)))),
              on.to2d(transposed(spmm(csr.transpose(slopes), matrix(left)))),
            ]
          },
        }
      })
      return (a, b) => call(a, b) as tf.Tensor1D
    },

    softmax(pattern: Csr, scale = 1): SparseSoftmax {
      const on = new Patterned(tensorFlow, pattern)
      const call = customGrad((values) => {
        const weights = sparseSoftmax(on.with(values as tf.Tensor), { scale })
        return {
          value: tensorFlow.tensor1d(weights.values),
          gradFunc: (dy: tf.Tensor) =>
            tensorFlow.tensor1d(sparseSoftmaxBackward(weights, vector(dy), { scale }).values),
        }
      })
      return (values) => call(values) as tf.Tensor1D
    },
  }
}
