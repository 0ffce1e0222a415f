import { isTensor, rangeError, type Tensor, zeros } from '@nnz/core'
import { type AttentionResult, attention, shapeOf } from '../attention.ts'
import { attentionBackward, type Gradients, type SavedTensors } from '../backward.ts'
import type { BlockMask } from '../mask/block-mask.ts'
import { expectHeads } from '../operands.ts'
import { expectOptions, type PatternOptions } from '../options.ts'
import { compressTokens, compressTokensBackward } from './compress.ts'
import { expectGates, gatedSum, gatedSumBackward } from './gates.ts'
import { packGroups, packMask, unpackGroups } from './group-rows.ts'
import {
  type CheckedNsa,
  expectNsa,
  NSA_BRANCHES,
  type NsaBranch,
  type NsaOptions,
  ofBranch,
  type PerBranch,
} from './nsa-options.ts'
import { chooseBlocks, listsToMask, type Placement, visibleRuns } from './nsa-selection.ts'
import { rangeMask } from './ranges.ts'
import { asColumn, asNumbers } from './tokens.ts'

/** What {@link nsa} returns. */
export interface NsaResult {
  /** In the shape of q. */
  readonly output: Tensor
  /** What each branch gave, before its gate. */
  readonly branches: Readonly<Record<NsaBranch, AttentionResult>>
  /** The selected blocks, for each key head (of each batch entry); causality is not part of it. */
  readonly mask: BlockMask
}

/** What {@link nsaBackward} needs: the operands, the result and the options of the forward call. */
export interface NsaSaved extends NsaOptions, NsaResult {
  q: Tensor
  k: PerBranch
  v: PerBranch
  gates: Tensor
}

/** Gradients of {@link nsa}, in the form of its operands. */
export interface NsaGradients {
  readonly dQ: Tensor
  /** One tensor if k was one, else one for each branch. */
  readonly dK: PerBranch
  readonly dV: PerBranch
  readonly dGates: Tensor
  /** Of the weights of compression, in f64. */
  readonly dKeyWeights: Float64Array
  readonly dValueWeights: Float64Array
}

const MASK_BLOCK = [64, 64] as const

function place(q: Tensor, k: Tensor, name: string): Placement & { tokens: number; heads: number; keyHeads: number } {
  const { tokens, keys, heads, keyHeads } = shapeOf(expectHeads(q, `${name}: q`), expectHeads(k, `${name}: k`))
  if (keys < tokens)
    throw rangeError('NNZ_SHAPE', `${name}: expected at least as many keys as queries, got ${keys} and ${tokens}`)
  return { tokens, keys, shift: keys - tokens, heads, keyHeads }
}

function staticPatterns(
  { tokens, keys, shift }: ReturnType<typeof place>,
  runs: number,
  checked: CheckedNsa,
): Record<'compressed' | 'window', PatternOptions> {
  const { window, execution } = checked
  const compressed = rangeMask((query) => [0, visibleRuns(query + shift, checked)], {
    blockShape: MASK_BLOCK,
    rows: tokens,
    columns: runs,
  })
  const near = rangeMask((query) => [query + shift - window + 1, query + shift + 1], {
    blockShape: MASK_BLOCK,
    rows: tokens,
    columns: keys,
  })
  return { compressed: { ...execution, mask: compressed }, window: { ...execution, mask: near } }
}

/** Attention to the selected blocks, the query heads of a group as rows of one head. */
function attendBlocks(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  mask: BlockMask,
  { heads, keyHeads, shift }: ReturnType<typeof place>,
  execution: CheckedNsa['execution'],
): AttentionResult {
  const packed = attention(packGroups(q, keyHeads), k, v, {
    ...execution,
    mask: packMask(mask, heads / keyHeads, shift),
  })
  return {
    output: unpackGroups(packed.output, heads),
    logSumExp: asNumbers(unpackGroups(asColumn(packed.logSumExp), heads)),
  }
}

function attendBlocksBackward(
  dOutput: Tensor,
  { q, k, v, output, logSumExp }: SavedTensors,
  mask: BlockMask,
  { heads, keyHeads, shift }: ReturnType<typeof place>,
  { scale, backend }: CheckedNsa['execution'],
): Gradients {
  const pack = (x: Tensor) => packGroups(x, keyHeads)
  const saved = { q: pack(q), k, v, output: pack(output), logSumExp: asNumbers(pack(asColumn(logSumExp))), scale }
  const { dQ, dK, dV } = attentionBackward(
    pack(dOutput),
    { ...saved, mask: packMask(mask, heads / keyHeads, shift) },
    { backend },
  )
  return { dQ: unpackGroups(dQ, heads), dK, dV }
}

/**
 * Native Sparse Attention (arXiv 2502.11089), causal: each query attends to compressed runs of tokens, to the blocks whose
 * compressed tokens it attends to most, and to a sliding window; gates weigh the three outputs. The choice of blocks is shared
 * by the query heads of a key head, and by the queries of a block of `selection.blockShape`: 1 in the paper, more are faster
 * where few heads share a key head.
 * For decoding see `nsaState`.
 *
 * @param q [heads, tokens, headDim], or with a batch axis; its last query is aligned with the last key
 * @param k [keyHeads, keys, headDim], one for all branches or one for each; v in the same form
 * @param gates [heads, tokens, 3]: of the compressed, the selected and the window branch; [heads, tokens, 3 * headDim] gates
 * each element
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes or options do not fit
 */
export function nsa(q: Tensor, k: PerBranch, v: PerBranch, gates: Tensor, options: NsaOptions = {}): NsaResult {
  const name = 'nsa'
  const checked = expectNsa(options, name)
  const { length, stride, blockShape, execution } = checked
  const placement = place(q, ofBranch(k, 'compressed'), name)
  expectGates(gates, q, NSA_BRANCHES.length, name)
  const keys = compressTokens(ofBranch(k, 'compressed'), { length, stride, weights: options.keyWeights })
  const values = compressTokens(ofBranch(v, 'compressed'), { length, stride, weights: options.valueWeights })
  const patterns = staticPatterns(placement, keys.shape.at(-2)!, checked)
  const compressed = attention(q, keys, values, patterns.compressed)
  const lists = chooseBlocks(q, keys, compressed.logSumExp, placement, checked)
  const mask = listsToMask(lists, placement, blockShape, placement.tokens)
  const selected = attendBlocks(q, ofBranch(k, 'selected'), ofBranch(v, 'selected'), mask, placement, execution)
  const window = attention(q, ofBranch(k, 'window'), ofBranch(v, 'window'), patterns.window)
  const branches = { compressed, selected, window }
  const outputs = NSA_BRANCHES.map((branch) => branches[branch].output)
  return { output: gatedSum(outputs, gates, name), branches, mask }
}

/**
 * Gradients of {@link nsa}. Which blocks are selected is taken as given.
 *
 * @param saved what the forward call read and returned, with its options
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if shapes or options do not fit
 */
export function nsaBackward(dOutput: Tensor, saved: NsaSaved): NsaGradients {
  const name = 'nsaBackward'
  expectOptions(saved, name)
  const { q, k, v, gates, branches, mask } = saved
  expectOptions(branches, `${name}: branches`)
  for (const branch of NSA_BRANCHES) expectOptions(branches[branch], `${name}: branches.${branch}`)
  const checked = expectNsa(saved, name)
  const { length, stride, execution } = checked
  const keyCompression = { length, stride, weights: saved.keyWeights }
  const valueCompression = { length, stride, weights: saved.valueWeights }
  const compressedKeys = compressTokens(ofBranch(k, 'compressed'), keyCompression)
  const placement = place(q, ofBranch(k, 'compressed'), name)
  const patterns = staticPatterns(placement, compressedKeys.shape.at(-2)!, checked)
  const operands = {
    compressed: { k: compressedKeys, v: compressTokens(ofBranch(v, 'compressed'), valueCompression) },
    selected: { k: ofBranch(k, 'selected'), v: ofBranch(v, 'selected') },
    window: { k: ofBranch(k, 'window'), v: ofBranch(v, 'window') },
  }
  const outputs = NSA_BRANCHES.map((branch) => branches[branch].output)
  const { dOutputs, dGates } = gatedSumBackward(dOutput, outputs, gates, name)
  const savedOf = (branch: NsaBranch) => ({ q, ...operands[branch], ...branches[branch] })
  const options = { backend: execution.backend }
  const compressed = attentionBackward(dOutputs[0], { ...savedOf('compressed'), ...patterns.compressed }, options)
  const selected = attendBlocksBackward(dOutputs[1], savedOf('selected'), mask, placement, execution)
  const window = attentionBackward(dOutputs[2], { ...savedOf('window'), ...patterns.window }, options)
  const keys = compressTokensBackward(compressed.dK, ofBranch(k, 'compressed'), keyCompression)
  const values = compressTokensBackward(compressed.dV, ofBranch(v, 'compressed'), valueCompression)
  return {
    dQ: sum([compressed.dQ, selected.dQ, window.dQ]),
    dK: likeOperand(k, [keys.dX, selected.dK, window.dK]),
    dV: likeOperand(v, [values.dX, selected.dV, window.dV]),
    dGates,
    dKeyWeights: keys.dWeights,
    dValueWeights: values.dWeights,
  }
}

function sum(tensors: readonly Tensor[]): Tensor {
  const result = zeros(tensors[0].shape)
  for (const { data } of tensors) for (let i = 0; i < data.length; i++) result.data[i] += data[i]
  return result
}

function likeOperand(operand: PerBranch, gradients: readonly Tensor[]): PerBranch {
  if (isTensor(operand)) return sum(gradients)
  return { compressed: gradients[0], selected: gradients[1], window: gradients[2] }
}
