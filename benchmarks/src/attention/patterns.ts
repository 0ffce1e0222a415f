import { type BlockMask, blockMask, patterns } from '@nnz/attention'
import { random } from '../random.ts'
import { shuffled } from '../runner/shuffle.ts'

/** What a pattern is drawn for. */
export interface AttentionPatternOptions {
  readonly tokens: number
  readonly keys: number
  /** Share of the whole square that is dropped, 0..1: the nearest that the pattern can reach is taken. */
  readonly sparsity: number
  readonly seed: number
}

/** A pattern at a sparsity. */
export interface DrawnPattern {
  /** Shared by all heads; undefined where every block is kept. */
  readonly mask: BlockMask | undefined
  /** Whether keys after a query are dropped without a mask. */
  readonly causal: boolean
}

/** Queries and keys of a block. */
export const BLOCK = 64

type Shape = { readonly blockShape: readonly number[]; readonly rows: number; readonly columns: number }
type Drawing = (shape: Shape & { blockShape: number[] }, size: number, seed: number) => BlockMask

/**
 * Every pattern that has a mask, as a function of one whole number from 1 on: of blocks in a row, of a window, of segments and
 * so on. The causal ones keep no key after its query.
 */
const DRAWINGS = {
  random: (shape, size, seed) => patterns.randomBlocks({ ...shape, perRow: size, seed }),
  'random-causal': (shape, size, seed) => patterns.randomBlocks({ ...shape, perRow: size, seed, causal: true }),
  window: (shape, size) => patterns.slidingWindow({ ...shape, window: size * BLOCK, sinks: BLOCK }),
  strided: (shape, size) => patterns.strided({ ...shape, stride: size * BLOCK }),
  fixed: (shape, size) => patterns.fixed({ ...shape, stride: size * BLOCK, summary: (size * BLOCK) / 8 }),
  'power-of-two': (shape, size) => patterns.powerOfTwo({ ...shape, window: size * BLOCK, unit: BLOCK }),
  'block-diagonal': (shape, size) => patterns.blockDiagonal({ ...shape, segments: size * BLOCK }),
  global: (shape, size) => patterns.globalTokens({ ...shape, tokens: size * BLOCK }),
  clusters: drawClusters,
  butterfly: (shape, size) => patterns.butterfly({ ...shape, stride: 2 ** (size - 1) }),
} satisfies Record<string, Drawing>

/** Patterns that are chosen from q and k in each run. */
export const SELECTOR_NAMES = ['pooled', 'stripes', 'vertical-slash'] as const
export type SelectorName = (typeof SELECTOR_NAMES)[number]

export function isSelector(pattern: string): pattern is SelectorName {
  return SELECTOR_NAMES.some((name) => name === pattern)
}

/** `full` and `causal` have no mask. */
export type AttentionPattern = 'full' | 'causal' | keyof typeof DRAWINGS

/** Draws a pattern, always the same one for one seed. */
export function drawPattern(pattern: AttentionPattern, options: AttentionPatternOptions): DrawnPattern {
  if (pattern === 'full' || pattern === 'causal') return { mask: undefined, causal: pattern === 'causal' }
  const { tokens, keys, sparsity, seed } = options
  const shape = { blockShape: [Math.min(BLOCK, tokens), BLOCK], rows: tokens, columns: keys }
  const draw: Drawing = DRAWINGS[pattern]
  const most = pattern === 'butterfly' ? Math.ceil(Math.log2(keys / BLOCK)) + 1 : Math.ceil(keys / BLOCK)
  let best: { mask: BlockMask; distance: number } | undefined
  for (const size of sizesUpTo(most)) {
    const mask = draw(shape, size, seed)
    const distance = Math.abs(1 - blockMask.density(mask) - sparsity)
    if (best === undefined || distance < best.distance) best = { mask, distance }
  }
  return { mask: best!.mask, causal: false }
}

/** All sizes of a small range, some twenty for each doubling of a large one. */
function sizesUpTo(most: number): number[] {
  const sizes: number[] = []
  for (let size = 1; size <= most; size = Math.max(size + 1, Math.round(size * 1.035))) sizes.push(size)
  return sizes
}

/** Groups of a block's length, dealt out at random among so many clusters that each holds `size` of them, about. */
function drawClusters(shape: Parameters<Drawing>[0], size: number, seed: number): BlockMask {
  const groups = Math.ceil(shape.columns / BLOCK)
  const count = Math.max(1, Math.round(groups / size))
  const members: number[][] = Array.from({ length: count }, () => [])
  const order = shuffled((random(seed, 'pattern')() >>> 0) + 1)(Array.from({ length: groups }, (_, group) => group))
  order.forEach((group, i) => {
    for (let token = group * BLOCK; token < Math.min(shape.columns, (group + 1) * BLOCK); token++)
      members[i % count].push(token)
  })
  const sorted = members.map((cluster) => cluster.sort((a, b) => a - b))
  return patterns.clusters({ ...shape, queries: [sorted], keys: [sorted] })
}
