import { rangeError } from '@nnz/core'
import { type BlockMask, blockColumns, blockRows, expectMaskShape, type MaskShape } from '../mask/block-mask.ts'
import { expectExtent } from '../mask/checks.ts'
import { type CausalOption, expectLimit, type Limit } from './causality.ts'
import { type PatternRow, pattern } from './pattern.ts'
import { seeded } from './values.ts'

function keepBlock(row: PatternRow, column: number, width: number, limit: Limit): void {
  row.band(
    () => column * width,
    (p) => limit(p, (column + 1) * width),
  )
}

/** Options of `patterns.randomBlocks`. */
export interface RandomBlocksOptions extends MaskShape, CausalOption {
  /** Blocks of each block row: fewer where there are not so many. */
  perRow: number
  /** A whole number; other heads and seeds get other blocks. Default: 0. */
  seed?: number | undefined
  /** Default: false. */
  causal?: boolean | undefined
}

/** Random blocks in each block row: the random part of BigBird (arXiv 2007.14062), seeded. */
export function randomBlocks(options: RandomBlocksOptions): BlockMask {
  const name = 'patterns.randomBlocks'
  const limit = expectLimit(options, false, name)
  const perRow = expectExtent(options.perRow, 0, `${name}: perRow`)
  const next = seeded(expectExtent(options.seed ?? 0, 0, `${name}: seed`))
  return pattern(options, name, (row) => {
    const width = options.blockShape[1]
    const keys = Math.min(options.columns, limit(row.end - 1 + row.offset, options.columns))
    const columns = Math.max(0, Math.ceil(keys / width))
    for (const column of sample(columns, Math.min(perRow, columns), next)) keepBlock(row, column, width, limit)
  })
}

/** `count` different numbers below `limit`: Floyd's algorithm. */
function sample(limit: number, count: number, next: () => number): Set<number> {
  const chosen = new Set<number>()
  for (let most = limit - count; most < limit; most++) {
    const candidate = Math.floor(next() * (most + 1))
    chosen.add(chosen.has(candidate) ? most : candidate)
  }
  return chosen
}

/** Options of `patterns.butterfly`. */
export interface ButterflyOptions extends MaskShape, CausalOption {
  /** The largest stride in blocks, a power of two; 1 keeps the diagonal only. */
  stride: number
  /** Default: false. */
  causal?: boolean | undefined
}

/**
 * The flat block butterfly of Pixelated Butterfly (arXiv 2112.00029): with blocks numbered along both sides, block (i, j) stays
 * where i and j are equal or differ in one bit, below the stride. Of n x n blocks, n a power of two, n (1 + log2 stride) stay. A
 * rectangle is the square of its longer side, shrunk.
 */
export function butterfly(options: ButterflyOptions): BlockMask {
  const name = 'patterns.butterfly'
  const limit = expectLimit(options, false, name)
  const stride = expectExtent(options.stride, 1, `${name}: stride`)
  if (!Number.isInteger(Math.log2(stride)))
    throw rangeError('NNZ_VALUE', `${name}: stride: expected a power of two, got ${stride}`)
  const size = expectMaskShape(options, name)
  const [rows, columns] = [blockRows(size), blockColumns(size)]
  const side = Math.max(rows, columns)
  return pattern(options, name, (row) => {
    const end = Math.ceil(((row.blockRow + 1) * side) / rows)
    for (let i = Math.ceil((row.blockRow * side) / rows); i < end; i++) {
      for (let bit = 0; bit < stride; bit = bit === 0 ? 1 : 2 * bit)
        if ((i ^ bit) < side) keepBlock(row, Math.floor(((i ^ bit) * columns) / side), options.blockShape[1], limit)
    }
  })
}
