import {
  type Backend,
  type BackendOption,
  describe,
  isWasm,
  rangeError,
  resolveBackend,
  type Tensor,
  zeros,
} from '@nnz/core'
import { expectExtent } from '../mask/checks.ts'
import type { Heads } from '../operands.ts'
import { expectOptions } from '../options.ts'
import type { BlockScores } from './block-chooser.ts'
import { expectLiveHeads } from './live-heads.ts'
import { jsPooling } from './pooling-js.ts'
import { wasmPooling } from './pooling-wasm.ts'

/** What becomes of the tokens of a block. */
export type Pool = 'mean' | 'maximum' | 'minimum'

/** How large the heads are that a {@link Pooling} works on. */
export interface PoolingSize {
  /** Tokens of the largest block. */
  readonly block: number
  readonly headDim: number
  /** Pooled queries and keys, and the length of a pooled row, for `scores`. */
  readonly rows: number
  readonly columns: number
  readonly length: number
}

/** Arithmetic on pooled blocks, one head at a time. What it returns is good until its next call. */
export interface Pooling {
  /** [blocks, headDim]: every `block` tokens of a head become a row. */
  pool(x: Heads, batch: number, head: number, block: number, pool: Pool): Float32Array
  /** scale * queries keysᵀ, of pooled rows of `length` elements. */
  scores(queries: Float32Array, keys: Float32Array, length: number, scale: number): BlockScores
}

/** The pooling of a backend. */
export function openPooling(backend: Backend, size: PoolingSize): Pooling {
  return isWasm(backend) ? wasmPooling(backend, size) : jsPooling()
}

/** Options of {@link poolTokens}. */
export interface PoolOptions {
  /** Tokens of a block. */
  block: number
  /** Default: 'mean'. */
  pool?: Pool | undefined
  backend?: BackendOption | undefined
}

/**
 * Every `block` tokens of each head become one: their mean, maximum or minimum in each dimension.
 *
 * @param x [heads, tokens, headDim] or [batch, heads, tokens, headDim], any strides but along headDim
 * @returns the same shape with ceil(tokens / block) tokens; the last block may be shorter
 * @throws TypeError if `x` is no tensor
 * @throws RangeError if shapes or options do not fit
 */
export function poolTokens(x: Tensor, options: PoolOptions): Tensor {
  const name = 'poolTokens'
  expectOptions(options, name)
  const heads = expectLiveHeads(x, `${name}: x`)
  const { block, pool = 'mean' } = options
  expectExtent(block, 1, `${name}: block`)
  expectPool(pool, `${name}: pool`)
  const [batch, count, tokens, headDim] = heads.shape
  if (headDim === 0 || headDim % 4 !== 0)
    throw rangeError('NNZ_SHAPE', `${name}: expected headDim to be a multiple of 4, got ${headDim}`)
  const blocks = Math.ceil(tokens / block)
  const pooling = openPooling(resolveBackend(options.backend), { block, headDim, rows: blocks, columns: 0, length: 0 })
  const result = zeros([...x.shape.slice(0, -2), blocks, headDim])
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < count; h++)
      result.data.set(pooling.pool(heads, b, h, block, pool), (b * count + h) * blocks * headDim)
  return result
}

/** Checks the name of a pooling. */
export function expectPool(value: unknown, name: string): Pool {
  if (value !== 'mean' && value !== 'maximum' && value !== 'minimum')
    throw rangeError('NNZ_VALUE', `${name}: expected "mean", "maximum" or "minimum", got ${describe(value)}`)
  return value
}
