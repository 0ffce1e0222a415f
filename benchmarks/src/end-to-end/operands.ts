import type { WeightSource } from '@nnz/models'
import type { NetworkTensors } from '../baselines/onnx-network.ts'
import { tensorOf } from './plain.ts'

/** Tensors in memory, as the networks of `@nnz/models` read them. */
export function sourceOf(tensors: NetworkTensors): WeightSource {
  return {
    async read(name) {
      const { shape, data } = tensorOf(tensors, name)
      return { name, shape, data: data as Float32Array<ArrayBuffer> }
    },
  }
}

/** A list of tokens as texts of one length. */
export function textsOf(ids: Float32Array, tokens: number): number[][] {
  return Array.from({ length: ids.length / tokens }, (_, i) => [...ids.subarray(i * tokens, (i + 1) * tokens)])
}
