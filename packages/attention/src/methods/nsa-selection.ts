import { gemm, type Tensor, tensor } from '@nnz/core'
import type { BlockMask } from '../mask/block-mask.ts'
import { blockMask } from '../mask/index.ts'
import { expectHeads, type Heads } from '../operands.ts'
import { Chooser } from '../selection/budget.ts'
import { runsIn } from './compress.ts'
import type { CheckedNsa } from './nsa-options.ts'

/** Queries whose scores are held at once, about. */
const CHUNK = 64

/** Where queries stand: query i is token i + shift of `keys`. */
export interface Placement {
  readonly keys: number
  readonly shift: number
}

/** Compressed tokens that the query at a position sees: those whose run has ended. */
export function visibleRuns(position: number, options: Pick<CheckedNsa, 'length' | 'stride'>): number {
  return runsIn(position + 1, options)
}

/** Rows of one head as a matrix [rows, headDim]. */
function headMatrix({ shape, strides, tensor: { data } }: Heads, group: number, first: number, rows: number): Tensor {
  const heads = shape[1]
  const at = Math.floor(group / heads) * strides[0] + (group % heads) * strides[1] + first * strides[2]
  return tensor(data.subarray(at), [rows, shape[3]], { strides: [strides[2], 1] })
}

/**
 * The blocks of each block of queries, for each (batch entry and) key head: those to whose compressed tokens the queries of all
 * heads of the group attend most.
 *
 * @param keys compressed keys [keyHeads, runs, headDim], or with a batch axis
 * @param logSumExp of the attention of q to `keys`
 * @returns lists of rising blocks: list[group * query blocks + query block]
 */
export function chooseBlocks(
  q: Tensor,
  keys: Tensor,
  logSumExp: Tensor,
  placement: Placement,
  options: CheckedNsa,
): Uint32Array[] {
  const [query, key] = [expectHeads(q, 'nsa: q'), expectHeads(keys, 'nsa: keys')]
  const [batch, heads, tokens, headDim] = query.shape
  const [, keyHeads, runs] = key.shape
  const { blockShape, length, stride, execution } = options
  const { scale = 1 / Math.sqrt(headDim), backend } = execution
  const height = blockShape[0]
  const chunk = Math.ceil(CHUNK / height) * height
  const shares = new Float64Array((chunk / height) * runs)
  const blocks = new BlockRows(options, placement)
  const lists: Uint32Array[] = []
  for (let group = 0; group < batch * keyHeads; group++) {
    const plan = runs > 0 ? gemm.plan(headMatrix(key, group, 0, runs), { columns: chunk, backend }) : undefined
    for (let first = 0; first < tokens; first += chunk) {
      const rows = Math.min(chunk, tokens - first)
      shares.fill(0)
      for (let h = 0; plan && h < heads / keyHeads; h++) {
        const head = (group * heads) / keyHeads + h
        const matrix = headMatrix(query, head, first, rows)
        const scores = plan.run(tensor(matrix.data, [headDim, rows], { strides: [1, matrix.strides[0]] })).data
        const at = head * tokens + first
        const exponents = logSumExp.data.subarray(at, at + rows)
        addShares(
          shares,
          scores,
          exponents,
          scale,
          height,
          (run) => run * stride + length - 1 - placement.shift - first,
        )
      }
      for (let row = 0; row < rows; row += height) {
        const last = Math.min(first + row + height, tokens) - 1 + placement.shift
        lists.push(blocks.choose(shares, (row / height) * runs, runs, last, length / stride))
      }
    }
    plan?.dispose()
  }
  return lists
}

/**
 * Adds the softmax of some queries' scores, [runs, queries], to `shares`, [blocks of `height` queries, runs].
 *
 * @param exponents logSumExp of each query
 * @param firstOf the first query that sees a run
 */
function addShares(
  shares: Float64Array,
  scores: Float32Array,
  exponents: Float32Array,
  scale: number,
  height: number,
  firstOf: (run: number) => number,
): void {
  const rows = exponents.length
  const runs = scores.length / rows
  for (let run = 0; run < runs; run++) {
    const begin = Math.max(0, firstOf(run))
    const from = run * rows
    for (let block = Math.floor(begin / height); block * height < rows; block++) {
      const end = Math.min(rows, (block + 1) * height)
      let sum = 0
      for (let i = Math.max(begin, block * height); i < end; i++)
        sum += Math.exp(scale * scores[from + i] - exponents[i])
      shares[block * runs + run] += sum
    }
  }
}

/** Turns shares of compressed tokens into shares of blocks, and chooses. */
class BlockRows {
  readonly #chooser: Chooser
  readonly #shares: Float32Array
  readonly #options: CheckedNsa

  constructor(options: CheckedNsa, { keys }: Placement) {
    const blocks = Math.ceil(keys / options.blockShape[1])
    this.#options = options
    this.#chooser = new Chooser({ topK: options.count }, blocks)
    this.#shares = new Float32Array(blocks)
  }

  /** A run counts for a block once for each piece of `stride` tokens that they have in common. */
  choose(runShares: Float64Array, from: number, runs: number, last: number, pieces: number): Uint32Array {
    const { blockShape, stride, initial, local } = this.#options
    const perBlock = blockShape[1] / stride
    const blocks = Math.floor(last / blockShape[1]) + 1
    this.#shares.fill(0)
    for (let run = 0; run < runs; run++)
      for (let piece = run; piece < run + pieces; piece++)
        this.#shares[Math.floor(piece / perBlock)] += runShares[from + run]
    const required = [
      [0, initial],
      [blocks - local, blocks],
    ] as const
    this.#chooser.choose(this.#shares, 0, blocks, required)
    return this.#chooser.chosen.slice(0, this.#chooser.count)
  }
}

/** The lists of {@link chooseBlocks} as a mask. */
export function listsToMask(
  lists: readonly Uint32Array[],
  { keys }: Placement,
  blockShape: readonly [number, number],
  tokens: number,
): BlockMask {
  const rows = Math.ceil(tokens / blockShape[0])
  const heads = rows === 0 ? 1 : lists.length / rows
  const rowOffsets = new Uint32Array(heads * rows + 1)
  lists.forEach((list, row) => {
    rowOffsets[row + 1] = rowOffsets[row] + list.length
  })
  const columnIndices = new Uint32Array(rowOffsets[heads * rows])
  lists.forEach((list, row) => {
    columnIndices.set(list, rowOffsets[row])
  })
  return blockMask({ blockShape, heads, rows: tokens, columns: keys, rowOffsets, columnIndices })
}
