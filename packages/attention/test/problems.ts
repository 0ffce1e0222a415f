import { type BlockMask, blockMask, type Tensor, tensor } from '../src/index.ts'

/** Pseudo-random numbers in 0..1 from a seed. */
export function random(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    let x = state
    x = Math.imul(x ^ (x >>> 15), 2246822519)
    return ((x ^ (x >>> 13)) >>> 0) / 2 ** 32
  }
}

/** Normal numbers, f32. */
export function normal(count: number, seed: number, scale = 1): Float32Array {
  const next = random(seed)
  return Float32Array.from(
    { length: count },
    () => scale * Math.sqrt(-2 * Math.log(next() + 1e-12)) * Math.cos(2 * Math.PI * next()),
  )
}

/** Which blocks a mask keeps: that share at random, of which some only in part. */
export function randomMask(
  size: { heads: number; rows: number; columns: number; block: number },
  density: number,
  partial: number,
  seed: number,
): BlockMask {
  const { heads, rows, columns, block } = size
  const next = random(seed)
  const across = Math.ceil(columns / block)
  const kinds = Float64Array.from({ length: heads * Math.ceil(rows / block) * across }, next)
  const parts = kinds.map(next)
  const elements = random(seed + 1)
  return blockMask.fromPredicate(
    (head, query, key) => {
      const at = (head * Math.ceil(rows / block) + Math.floor(query / block)) * across + Math.floor(key / block)
      return kinds[at] < density && (parts[at] >= partial || elements() < 0.5)
    },
    { blockShape: [block, block], heads, rows, columns },
  )
}

/** One problem of the sweep. */
export interface Sweep {
  readonly name: string
  readonly batch?: number
  readonly heads: number
  readonly keyHeads?: number
  readonly tokens: number
  readonly keys?: number
  readonly headDim: number
  readonly causal?: boolean
  readonly scale?: number
  readonly mask?: BlockMask
  readonly keyLengths?: readonly number[]
  readonly sequenceOffsets?: readonly number[]
  readonly size?: number
}

const dense = (tokens: number, keys: number, headDim: number): Sweep => ({
  name: `${tokens}x${keys}, headDim ${headDim}`,
  heads: 2,
  tokens,
  keys,
  headDim,
})

/** Sizes around the tiles, patterns, groups and lengths. */
export const SWEEP: readonly Sweep[] = [
  dense(0, 5, 8),
  dense(3, 0, 8),
  dense(1, 1, 4),
  dense(5, 7, 4),
  dense(7, 13, 12),
  dense(63, 65, 16),
  dense(64, 64, 64),
  dense(66, 129, 20),
  dense(113, 203, 64),
  dense(70, 90, 80),
  dense(33, 47, 96),
  dense(17, 31, 128),
  dense(9, 70, 256),
  { ...dense(1023, 1024, 32), name: '1023x1024', heads: 1 },
  { ...dense(113, 203, 32), name: 'causal, more keys', causal: true },
  { ...dense(203, 113, 32), name: 'causal, more queries', causal: true },
  { ...dense(130, 130, 64), name: 'causal square', causal: true },
  { ...dense(40, 50, 16), name: 'grouped, batched', batch: 2, heads: 6, keyHeads: 2 },
  { ...dense(40, 50, 16), name: 'multi-query', batch: 2, heads: 4, keyHeads: 1, causal: true },
  { ...dense(30, 70, 16), name: 'key lengths', batch: 3, keyLengths: [70, 1, 0] },
  { ...dense(50, 70, 16), name: 'key lengths, causal', batch: 3, causal: true, keyLengths: [70, 33, 0] },
  { ...dense(150, 150, 32), name: 'packed', sequenceOffsets: [0, 1, 1, 70, 130, 150] },
  { ...dense(150, 150, 32), name: 'packed, causal', causal: true, sequenceOffsets: [0, 20, 97, 150] },
  { ...dense(70, 70, 32), name: 'scale', scale: 0.3 },
  { ...dense(70, 70, 32), name: 'large scores', size: 20 },
  ...[16, 24, 32, 48, 64, 100, 128].flatMap((block) =>
    [0, 0.1, 0.5, 1].map((density) => ({
      ...dense(150, 210, 16),
      name: `blocks of ${block}, density ${density}`,
      mask: randomMask({ heads: density === 0.5 ? 1 : 2, rows: 150, columns: 210, block }, density, 0.3, block),
      causal: block === 32,
    })),
  ),
  {
    ...dense(100, 100, 16),
    name: 'a mask for each batch entry, groups, lengths',
    batch: 2,
    heads: 4,
    keyHeads: 2,
    mask: randomMask({ heads: 8, rows: 100, columns: 100, block: 16 }, 0.4, 0.5, 3),
    keyLengths: [90, 37],
  },
]

/** Operands of a problem. */
export function operands(problem: Sweep, seed = 1): Record<'q' | 'k' | 'v' | 'dOutput', Tensor> {
  const { batch, heads, keyHeads = heads, tokens, keys = tokens, headDim, size = 1 } = problem
  const make = (groups: number, rows: number, offset: number, scale: number) =>
    tensor(
      normal((batch ?? 1) * groups * rows * headDim, seed + offset, scale),
      batch === undefined ? [groups, rows, headDim] : [batch, groups, rows, headDim],
    )
  return {
    q: make(heads, tokens, 0, size),
    k: make(keyHeads, keys, 100, size),
    v: make(keyHeads, keys, 200, 1),
    dOutput: make(heads, tokens, 300, 1),
  }
}
