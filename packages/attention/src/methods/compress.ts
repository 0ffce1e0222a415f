import { describe, rangeError, type Tensor, typeError, zeros } from '@nnz/core'
import { expectExtent, isArrayLike } from '../mask/checks.ts'
import { expectHeads, expectShape } from '../operands.ts'
import { expectOptions } from '../options.ts'
import { rowMajor } from './tokens.ts'

/** How runs of tokens become one. */
export interface CompressionOptions {
  /** Tokens of a run. */
  length: number
  /** Distance between the beginnings of two runs. */
  stride: number
  /** Weight of each token of a run, learned for example. Default: the mean. */
  weights?: ArrayLike<number> | undefined
}

/** Runs of `length` tokens, one every `stride`, that lie wholly inside `tokens`. */
export function runsIn(tokens: number, { length, stride }: Pick<CompressionOptions, 'length' | 'stride'>): number {
  return Math.max(0, Math.floor((tokens - length) / stride) + 1)
}

function expectWeights(options: CompressionOptions, name: string): ArrayLike<number> {
  expectOptions(options, name)
  const { length, stride, weights } = options
  expectExtent(length, 1, `${name}: length`)
  expectExtent(stride, 1, `${name}: stride`)
  if (weights === undefined) return new Float64Array(length).fill(1 / length)
  if (!isArrayLike(weights))
    throw typeError('NNZ_TYPE', `${name}: expected weights to be an array, got ${describe(weights)}`)
  if (weights.length !== length)
    throw rangeError('NNZ_SHAPE', `${name}: weights has ${weights.length} entries, expected ${length} (length)`)
  return weights
}

/**
 * Weighted sums of runs of tokens, which may overlap: the compressed keys or values of NSA.
 *
 * @param x [heads, tokens, headDim], or with a batch axis
 * @returns the same with max(0, floor((tokens - length) / stride) + 1) tokens
 * @throws RangeError if sizes do not fit
 */
export function compressTokens(x: Tensor, options: CompressionOptions): Tensor {
  const weights = expectWeights(options, 'compressTokens')
  const operand = expectHeads(x, 'compressTokens: x')
  const { shape } = operand
  const runs = runsIn(shape[2], options)
  const result = zeros([...x.shape.slice(0, -2), runs, shape[3]])
  const source = rowMajor(operand)
  forEachTerm(shape, runs, options, (run, token, i) => {
    addScaled(result.data, run, weights[i], source, token, shape[3])
  })
  return result
}

/**
 * Gradients of {@link compressTokens}.
 *
 * @param dResult in the shape of the result
 * @param x the operand of the forward call
 */
export function compressTokensBackward(
  dResult: Tensor,
  x: Tensor,
  options: CompressionOptions,
): { dX: Tensor; dWeights: Float64Array } {
  const weights = expectWeights(options, 'compressTokensBackward')
  const operand = expectHeads(x, 'compressTokensBackward: x')
  const { shape } = operand
  const runs = runsIn(shape[2], options)
  const slope = expectHeads(dResult, 'compressTokensBackward: dResult')
  expectShape(slope, [shape[0], shape[1], runs, shape[3]], 'compressTokensBackward: dResult')
  const [slopes, source] = [rowMajor(slope), rowMajor(operand)]
  const dX = zeros(x.shape)
  const dWeights = new Float64Array(options.length)
  forEachTerm(shape, runs, options, (run, token, i) => {
    addScaled(dX.data, token, weights[i], slopes, run, shape[3])
    for (let c = 0; c < shape[3]; c++) dWeights[i] += slopes[run + c] * source[token + c]
  })
  return { dX, dWeights }
}

/** Calls `visit` with the places of a run, of one of its tokens, and that token's number in the run. */
function forEachTerm(
  [batch, heads, tokens, headDim]: readonly number[],
  runs: number,
  { length, stride }: CompressionOptions,
  visit: (run: number, token: number, i: number) => void,
): void {
  for (let group = 0; group < batch * heads; group++)
    for (let run = 0; run < runs; run++)
      for (let i = 0; i < length; i++)
        visit((group * runs + run) * headDim, (group * tokens + run * stride + i) * headDim, i)
}

function addScaled(
  to: Float32Array,
  toAt: number,
  factor: number,
  from: Float32Array,
  fromAt: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) to[toAt + i] += factor * from[fromAt + i]
}
