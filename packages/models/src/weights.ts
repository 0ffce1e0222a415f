import { rangeError } from '@nnz/core'

/** A tensor of f32 values, row-major. */
export interface FloatTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly data: Float32Array<ArrayBuffer>
}

/** Where a network's tensors come from: an open safetensors or GGUF file, or numbers in memory. */
export interface WeightSource {
  read(name: string): Promise<FloatTensor>
}

/** Reads a tensor and checks its shape. Throws RangeError where the file has another one. */
export async function readShaped(
  source: WeightSource,
  name: string,
  shape: readonly number[],
): Promise<Float32Array<ArrayBuffer>> {
  const tensor = await source.read(name)
  if (tensor.shape.length !== shape.length || tensor.shape.some((extent, axis) => extent !== shape[axis]))
    throw rangeError('NNZ_SHAPE', `${name} is [${tensor.shape.join(', ')}], expected [${shape.join(', ')}]`)
  return tensor.data
}
