import { describe, isTensor, rangeError, type Tensor, typeError } from '@nnz/core'
import { expectHeads, expectShape, expectShapes } from '../operands.ts'
import type { ExecutionOptions } from '../options.ts'
import type { AttentionShape } from '../problem.ts'

/** Options of every method. */
export interface MethodOptions extends Pick<ExecutionOptions, 'backend'> {
  /** Factor of the scores of q and k. Default: 1 / sqrt(headDim). */
  scale?: number | undefined
}

/** The sizes of attention to itself: q, k and v have the same tokens. Checks them. */
export function expectSelfAttention(q: Tensor, k: Tensor, v: Tensor, name: string): AttentionShape {
  const [batch, heads, tokens, headDim] = expectHeads(q, `${name}: q`).shape
  const key = expectHeads(k, `${name}: k`)
  const keyHeads = key.shape[1]
  const shape = expectShapes({ batch, heads, keyHeads, tokens, keys: tokens, headDim }, name)
  expectShape(key, [batch, keyHeads, tokens, headDim], `${name}: k`)
  expectShape(expectHeads(v, `${name}: v`), [batch, keyHeads, tokens, headDim], `${name}: v`)
  return shape
}

/** Checks the query, key and value of one token: nothing has been taken in yet. */
export function expectStep(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { keyHeads, headDim }: { readonly keyHeads: number; readonly headDim: number },
  name: string,
): void {
  const query = expectHeads(q, `${name}: q`)
  const heads = query.shape[1]
  expectShape(query, [1, heads, 1, headDim], `${name}: q`)
  expectShapes({ batch: 1, heads, keyHeads, tokens: 1, keys: 1, headDim }, name)
  expectShape(expectHeads(k, `${name}: k`), [1, keyHeads, 1, headDim], `${name}: k`)
  expectShape(expectHeads(v, `${name}: v`), [1, keyHeads, 1, headDim], `${name}: v`)
}

/** Checks a row-major tensor of finite numbers that has as many as the shape. */
export function expectNumbers(x: Tensor, shape: readonly number[], name: string): Float32Array {
  if (!isTensor(x)) throw typeError('NNZ_TYPE', `${name}: expected a tensor [${shape.join(', ')}], got ${describe(x)}`)
  const { data } = x
  if (data.length !== shape.reduce((a, b) => a * b, 1))
    throw rangeError('NNZ_SHAPE', `${name}: expected [${shape.join(', ')}], got [${x.shape.join(', ')}]`)
  const bad = data.find((value) => !Number.isFinite(value))
  if (bad !== undefined) throw rangeError('NNZ_VALUE', `${name}: expected finite numbers, got ${bad}`)
  return data
}
