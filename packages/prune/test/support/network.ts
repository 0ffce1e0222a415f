import { gemm, type Tensor, tensor, transposed } from '@nnz/core'
import type { PrunableLayer, PrunableNetwork, StreamVisitor } from '../../src/index.ts'
import { randomInputs, randomLayer } from './layers.ts'

/** A layer whose weights are kept in a field. */
export class ToyLayer implements PrunableLayer {
  readonly name: string
  readonly rows: number
  readonly columns: number
  weights: Float32Array

  constructor(name: string, rows: number, columns: number, seed: number) {
    this.name = name
    this.rows = rows
    this.columns = columns
    this.weights = randomLayer(rows, columns, seed).weights
  }

  set(weights: Float32Array): void {
    this.weights = weights
  }

  /** x·Wᵀ, [tokens, rows]. */
  apply(x: Tensor): Tensor {
    return gemm(x, transposed(tensor(this.weights, [this.rows, this.columns])))
  }
}

/** Two layers that share an input, whose outputs are added, rectified, and given to a third. */
export class ToyNetwork implements PrunableNetwork {
  readonly a = new ToyLayer('a', 24, 32, 1)
  readonly b = new ToyLayer('b', 24, 32, 2)
  readonly c = new ToyLayer('c', 16, 24, 3)
  readonly stages = [[this.a, this.b], [this.c]]
  readonly batches: readonly Tensor[]
  /** How often data went through. */
  streams = 0

  constructor() {
    const inputs = randomInputs(96, 32, 7)
    this.batches = [0, 1, 2].map((i) => tensor(inputs.subarray(i * 32 * 32, (i + 1) * 32 * 32), [32, 32]))
  }

  get layers(): readonly ToyLayer[] {
    return this.stages.flat()
  }

  hidden(x: Tensor): Tensor {
    const [a, b] = [this.a.apply(x), this.b.apply(x)]
    return tensor(a.data.map((value, i) => Math.max(0, value + b.data[i])) as Float32Array, [x.shape[0], 24])
  }

  async stream({ observe, finished }: StreamVisitor): Promise<void> {
    this.streams++
    for (const x of this.batches) for (const layer of this.stages[0]) observe(layer, x)
    await finished(0)
    for (const x of this.batches) observe(this.c, this.hidden(x))
    await finished(1)
  }
}
