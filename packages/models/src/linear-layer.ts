import { type GemmPlan, gemm, type Tensor, tensor, transposed, zeros } from '@nnz/core'
import { readShaped, type WeightSource } from './weights.ts'

/** A linear layer y = x·wᵀ + bias, token-major, on our dense product. */
export class LinearLayer {
  readonly name: string
  readonly outputs: number
  readonly inputs: number
  /** As they were read, [outputs, inputs]; {@link useWeights} does not change them. */
  readonly weights: Float32Array
  readonly #bias: Float32Array | undefined
  readonly #plan: GemmPlan

  constructor(options: {
    name: string
    shape: readonly [outputs: number, inputs: number]
    weights: Float32Array
    bias?: Float32Array | undefined
    /** The most tokens of a run. */
    tokens: number
  }) {
    this.name = options.name
    this.outputs = options.shape[0]
    this.inputs = options.shape[1]
    this.weights = options.weights
    this.#bias = options.bias
    this.#plan = gemm.plan(tensor(options.weights, options.shape), { columns: options.tokens })
  }

  /** Reads `<tensor>.weight` and, where the layer has one, `<tensor>.bias`. */
  static async read(
    source: WeightSource,
    name: string,
    shape: readonly [number, number],
    { tokens, bias }: { tokens: number; bias: boolean },
  ): Promise<LinearLayer> {
    return new LinearLayer({
      name,
      shape,
      weights: await readShaped(source, `${name}.weight`, shape),
      bias: bias ? await readShaped(source, `${name}.bias`, [shape[0]]) : undefined,
      tokens,
    })
  }

  /** Computes with other weights from now on, for example pruned ones. */
  useWeights(weights: Float32Array): void {
    this.#plan.updateValues(weights)
  }

  /** x [tokens, inputs]; returns [tokens, outputs]. */
  run(x: Tensor): Tensor {
    const y = zeros([x.shape[0], this.outputs])
    this.#plan.run(transposed(x), { out: transposed(y) })
    if (this.#bias) addToRows(y.data, this.#bias)
    return y
  }

  dispose(): void {
    this.#plan.dispose()
  }
}

function addToRows(data: Float32Array, bias: Float32Array): void {
  for (let start = 0; start < data.length; start += bias.length)
    for (let i = 0; i < bias.length; i++) data[start + i] += bias[i]
}
