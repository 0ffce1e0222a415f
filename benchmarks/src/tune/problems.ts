import type { Bsr, Csr } from '@nnz/core'
import { blockBsr, uniformCsr } from '../products/patterns.ts'

/** A problem that costs are fitted to. */
export interface TuneProblem {
  readonly weights: Csr | Bsr
  readonly n: number
}

const SHAPES = [
  [768, 768],
  [3072, 768],
  [768, 3072],
  [384, 1536],
  [256, 64],
  [2048, 2048],
  // Beyond the caches.
  [4096, 3072],
] as const
const SPARSITIES = [0.2, 0.5, 0.7, 0.9, 0.95, 0.98]
const COLUMNS = [2, 4, 8, 12, 16, 17, 32, 48, 64, 128, 256]
const BLOCKS = [
  [4, 4],
  [16, 16],
  [32, 32],
] as const

/** Problems spread over shapes, sparsities and numbers of columns: each shape meets some of the others in turn, and one
 * column at every sparsity, since kernels of their own run that. */
export function tuneProblems(layout: 'csr' | 'bsr'): readonly TuneProblem[] {
  // Drawing them takes longer than measuring a kernel.
  drawn[layout] ??= draw(layout)
  return drawn[layout]
}

const drawn: Partial<Record<'csr' | 'bsr', readonly TuneProblem[]>> = {}

function draw(layout: 'csr' | 'bsr'): TuneProblem[] {
  return SHAPES.flatMap(([m, k], shape) =>
    SPARSITIES.flatMap((sparsity, step) => {
      const options = { m, k, sparsity, seed: 1 }
      const blockShape = BLOCKS[(shape + step) % BLOCKS.length]
      const weights = layout === 'csr' ? uniformCsr(options) : blockBsr({ ...options, blockShape })
      const columns = [0, 1, 2].map((turn) => COLUMNS[(5 * shape + 2 * step + 4 * turn) % COLUMNS.length])
      return [1, ...columns].map((n) => ({ weights, n }))
    }),
  )
}
