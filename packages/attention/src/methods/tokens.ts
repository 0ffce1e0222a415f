import { describe, rangeError, type Tensor, tensor, typeError, zeros } from '@nnz/core'
import { expectExtent, isArrayLike } from '../mask/checks.ts'
import { expectHeads, type Heads } from '../operands.ts'

/** A list of tokens for all heads, or one for each (batch entry and) head. */
export type TokenLists = ArrayLike<number> | readonly ArrayLike<number>[]

/** Some tokens of [heads, tokens, headDim] (or with a batch axis): `first`, `first + step`, …; nothing is copied. */
export function sliceTokens(x: Tensor, first: number, count: number, step = 1): Tensor {
  const { shape, strides } = expectHeads(x, 'sliceTokens: x')
  const [batch, heads, tokens, headDim] = shape
  if (first < 0 || count < 0 || step < 1 || (count > 0 && first + (count - 1) * step >= tokens))
    throw rangeError(
      'NNZ_VALUE',
      `sliceTokens: expected tokens in 0..${tokens - 1}, got ${count} from ${first} in steps of ${step}`,
    )
  const sizes = x.shape.length === 4 ? [batch] : []
  const steps = x.shape.length === 4 ? [strides[0]] : []
  return {
    dtype: x.dtype,
    shape: [...sizes, heads, count, headDim],
    strides: [...steps, strides[1], step * strides[2], 1],
    // Fresh at each access: memory of a backend may grow between two.
    get data() {
      return x.data.subarray(first * strides[2])
    },
  }
}

function expectArray(list: unknown, name: string): void {
  if (!isArrayLike(list))
    throw typeError('NNZ_TYPE', `${name}: expected a list of tokens, or lists, got ${describe(list)}`)
}

function expectLists(lists: TokenLists, groups: number, tokens: number, name: string): readonly ArrayLike<number>[] {
  expectArray(lists, name)
  const shared = lists.length === 0 || typeof lists[0] === 'number'
  const all = shared ? [lists as ArrayLike<number>] : (lists as readonly ArrayLike<number>[])
  if (!shared && all.length !== groups)
    throw rangeError('NNZ_SHAPE', `${name}: expected ${groups} lists (one for each head), got ${all.length}`)
  for (const list of all) {
    expectArray(list, name)
    if (list.length !== all[0].length)
      throw rangeError('NNZ_SHAPE', `${name}: expected lists of one length, got ${all[0].length} and ${list.length}`)
    for (let i = 0; i < list.length; i++)
      if (!Number.isInteger(list[i]) || list[i] < -1 || list[i] >= tokens)
        throw rangeError('NNZ_VALUE', `${name}: expected tokens in 0..${tokens - 1}, or -1, got ${list[i]}`)
  }
  return all
}

/** Calls `visit` for each pair of a row of `x` and its place in row-major [batch, heads, count, headDim]. */
function forEachRow(
  { shape: [batch, heads, , headDim], strides }: Heads,
  lists: readonly ArrayLike<number>[],
  visit: (from: number, to: number) => void,
): void {
  const count = lists[0].length
  for (let group = 0; group < batch * heads; group++) {
    const base = Math.floor(group / heads) * strides[0] + (group % heads) * strides[1]
    const list = lists[lists.length === 1 ? 0 : group]
    for (let i = 0; i < count; i++) if (list[i] >= 0) visit(base + list[i] * strides[2], (group * count + i) * headDim)
  }
}

function withTokens(shape: readonly number[], tokens: number): number[] {
  return shape.map((extent, axis) => (axis === shape.length - 2 ? tokens : extent))
}

/**
 * The tokens of a list, in its order, row-major; -1 stands for a row of zeros.
 *
 * @param x [heads, tokens, headDim] or [batch, heads, tokens, headDim]
 * @throws RangeError if a token does not exist, or lists differ in length
 */
export function gatherTokens(x: Tensor, lists: TokenLists): Tensor {
  const from = expectHeads(x, 'gatherTokens: x')
  const [batch, heads, tokens, headDim] = from.shape
  const all = expectLists(lists, batch * heads, tokens, 'gatherTokens')
  const result = zeros(withTokens(x.shape, all[0].length))
  const { data } = result
  forEachRow(from, all, (at, to) => data.set(from.data.subarray(at, at + headDim), to))
  return result
}

/**
 * The adjoint of {@link gatherTokens}: row i is added to token `list[i]` of `tokens`, or dropped where that is -1. With a list
 * that names each token once it undoes a gather.
 *
 * @param x [heads, list length, headDim] or with a batch axis in front
 * @param into Added to, and returned. Default: a new tensor of zeros
 */
export function scatterTokens(x: Tensor, lists: TokenLists, tokens: number, into?: Tensor): Tensor {
  const from = expectHeads(x, 'scatterTokens: x')
  expectExtent(tokens, 0, 'scatterTokens: tokens')
  const result = into ?? zeros(withTokens(x.shape, tokens))
  const to = expectHeads(result, 'scatterTokens: into')
  const [batch, heads, , headDim] = to.shape
  const all = expectLists(lists, batch * heads, tokens, 'scatterTokens')
  const wanted = [batch, heads, all[0].length, headDim]
  if (wanted.some((extent, axis) => from.shape[axis] !== extent))
    throw rangeError('NNZ_SHAPE', `scatterTokens: x is [${x.shape.join(', ')}], expected [${wanted.join(', ')}]`)
  const rows = rowMajor(from)
  forEachRow(to, all, (at, row) => {
    for (let i = 0; i < headDim; i++) to.data[at + i] += rows[row + i]
  })
  return result
}

/** The elements without gaps: a view where they lie so already. */
export function rowMajor({ data, shape: [batch, heads, tokens, headDim], strides }: Heads): Float32Array {
  const size = batch * heads * tokens * headDim
  if (
    strides[2] === headDim &&
    (strides[1] === tokens * headDim || heads === 1) &&
    (strides[0] === heads * tokens * headDim || batch === 1)
  )
    return data.subarray(0, size)
  const result = new Float32Array(size)
  for (let row = 0; row < batch * heads * tokens; row++) {
    const group = Math.floor(row / tokens)
    const from = Math.floor(group / heads) * strides[0] + (group % heads) * strides[1] + (row % tokens) * strides[2]
    result.set(data.subarray(from, from + headDim), row * headDim)
  }
  return result
}

/** The tokens from `first` on. */
export function tokensFrom(first: number, count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => first + i)
}

/** A number for each token, [heads, tokens], as rows of one element, [heads, tokens, 1]. */
export function asColumn(x: Tensor): Tensor {
  return { dtype: x.dtype, shape: [...x.shape, 1], strides: [...x.strides, 1], data: x.data }
}

/** Row-major rows of one element, [heads, tokens, 1], as a number for each token. */
export function asNumbers({ data, shape }: Tensor): Tensor {
  return tensor(data, shape.slice(0, -1))
}

/** As {@link gatherTokens}, of a number for each token, such as a logSumExp: [heads, tokens] to [heads, list length]. */
export function gatherNumbers(x: Tensor, lists: TokenLists): Tensor {
  return asNumbers(gatherTokens(asColumn(x), lists))
}

/** Rows [first, first + rows) of a row-major matrix. */
export function matrixRows({ data, shape: [, width] }: Tensor, first: number, rows: number): Tensor {
  return tensor(data.subarray(first * width, (first + rows) * width), [rows, width])
}
