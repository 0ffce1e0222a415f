import { describe, isTensor, rangeError, type Tensor, tensor, typeError } from '@nnz/core'
import { type AttentionShape, LARGEST_HEAD_DIM } from './problem.ts'

/**
 * A tensor seen as [batch, heads, tokens, headDim], the last axis without gaps. `strides` count elements.
 */
export interface Heads {
  readonly data: Float32Array
  readonly shape: readonly [batch: number, heads: number, tokens: number, headDim: number]
  readonly strides: readonly [batch: number, heads: number, tokens: number]
  readonly tensor: Tensor
}

/** Checks a tensor [heads, tokens, headDim] or [batch, heads, tokens, headDim]. */
export function expectHeads(value: unknown, name: string): Heads {
  if (!isTensor(value)) throw typeError('NNZ_TYPE', `${name}: expected a tensor, got ${describe(value)}`)
  const axes = value.shape.length
  if (axes !== 3 && axes !== 4)
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: expected [heads, tokens, headDim] or [batch, heads, tokens, headDim], got [${value.shape.join(', ')}]`,
    )
  // Checks that every element lies inside the data.
  const checked = tensor(value.data, value.shape, { strides: value.strides })
  const [batch, heads, tokens, headDim] = axes === 3 ? [1, ...checked.shape] : checked.shape
  const [batchStride, headStride, tokenStride, stride] = axes === 3 ? [0, ...checked.strides] : checked.strides
  if (stride !== 1 && headDim > 1)
    throw rangeError('NNZ_SHAPE', `${name}: expected stride 1 along headDim, got ${stride}`)
  return {
    data: checked.data,
    shape: [batch, heads, tokens, headDim],
    strides: [batchStride, headStride, tokenStride],
    tensor: value,
  }
}

/** As {@link expectHeads}, for a tensor that will be written: no two elements may share a place. */
export function expectWritable(value: unknown, shape: readonly number[], name: string): Heads {
  const heads = expectHeads(value, name)
  expectShape(heads, shape, name)
  if (shape.includes(0)) return heads
  const axes = heads.strides.map((stride, axis) => ({ stride, extent: heads.shape[axis] }))
  let reach = heads.shape[3]
  for (const { stride, extent } of axes.filter(({ extent }) => extent > 1).sort((a, b) => a.stride - b.stride)) {
    if (stride < reach)
      throw rangeError(
        'NNZ_SHAPE',
        `${name}: expected strides that keep elements apart, got [${heads.strides.join(', ')}, 1]`,
      )
    reach = stride * (extent - 1) + reach
  }
  return heads
}

/** Checks a shape [batch, heads, tokens, headDim]. */
export function expectShape(heads: Heads, shape: readonly number[], name: string): void {
  if (shape.some((extent, axis) => heads.shape[axis] !== extent))
    throw rangeError(
      'NNZ_SHAPE',
      `${name} is [${heads.shape.join(', ')}], expected [${shape.join(', ')}] (batch, heads, tokens, headDim)`,
    )
}

function isRowMajor({ data, shape, strides }: Tensor): boolean {
  let count = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] > 1 && strides[axis] !== count) return false
    count *= shape[axis]
  }
  return data.length === count
}

/** Checks a number for each query of `q`, as `attention` returns it: [heads, tokens] or [batch, heads, tokens], row-major. */
export function expectLogSumExp(value: unknown, q: Tensor, name: string): Float32Array {
  if (!isTensor(value)) throw typeError('NNZ_TYPE', `${name}: expected a tensor, got ${describe(value)}`)
  const shape = q.shape.slice(0, -1)
  if (value.shape.join() !== shape.join() || !isRowMajor(value))
    throw rangeError(
      'NNZ_SHAPE',
      `${name} is [${value.shape.join(', ')}] with strides [${value.strides.join(', ')}], expected [${shape.join(', ')}] without gaps, as attention returns it`,
    )
  return value.data
}

/** Checks the sizes of an attention. */
export function expectShapes(shape: AttentionShape, name: string): AttentionShape {
  const { heads, keyHeads, headDim } = shape
  for (const [key, value] of Object.entries(shape)) {
    if (typeof value !== 'number')
      throw typeError('NNZ_TYPE', `${name}: expected ${key} to be a number, got ${describe(value)}`)
    if (!Number.isInteger(value) || value < 0 || value > 2 ** 31)
      throw rangeError('NNZ_SHAPE', `${name}: expected ${key} to be a whole number in 0..2^31, got ${value}`)
  }
  if (headDim < 4 || headDim > LARGEST_HEAD_DIM || headDim % 4 !== 0)
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: expected headDim to be a multiple of 4 in 4..${LARGEST_HEAD_DIM}, got ${headDim}`,
    )
  if (heads > 0 && (keyHeads === 0 || heads % keyHeads !== 0))
    throw rangeError('NNZ_SHAPE', `${name}: expected keyHeads to divide heads, got ${keyHeads} and ${heads}`)
  return shape
}
