import { describe, rangeError } from '@nnz/core'
import type { BlockMask, MaskShape } from '../mask/block-mask.ts'
import { expectExtent } from '../mask/checks.ts'
import { type CausalOption, expectLimit } from './causality.ts'
import { pattern } from './pattern.ts'
import { keepSegments } from './segments.ts'

/** Which of the two factors of a factorised pattern. */
export type Factor = 'both' | 'local' | 'summary'

function expectFactor(factor: unknown, name: string): Record<'local' | 'summary', boolean> {
  if (factor !== 'both' && factor !== 'local' && factor !== 'summary')
    throw rangeError('NNZ_VALUE', `${name}: factor: expected "both", "local" or "summary", got ${describe(factor)}`)
  return { local: factor !== 'summary', summary: factor !== 'local' }
}

/** Options of `patterns.strided`. */
export interface StridedOptions extends MaskShape, CausalOption {
  stride: number
  /** `local` the window, `summary` every stride-th key: heads may have one each. Default: 'both'. */
  factor?: Factor | undefined
}

/**
 * The strided pattern of Sparse Transformer (arXiv 1904.10509): the query's own key and the `stride` before it, and each key
 * whose distance is a multiple of `stride`. Two steps, one of each factor, connect any pair.
 */
export function strided(options: StridedOptions): BlockMask {
  const name = 'patterns.strided'
  const limit = expectLimit(options, true, name)
  const stride = expectExtent(options.stride, 1, `${name}: stride`)
  const { local, summary } = expectFactor(options.factor ?? 'both', name)
  return pattern(options, name, (row) => {
    if (local)
      row.band(
        (p) => p - stride,
        (p) => limit(p, p + stride + 1),
      )
    for (let query = row.first; summary && query < row.end; query++) {
      const p = query + row.offset
      const end = limit(p, options.columns)
      for (let key = ((p % stride) + stride) % stride; key < end; key += stride) row.keep(query, key, key + 1)
    }
  })
}

/** Options of `patterns.fixed`. */
export interface FixedOptions extends MaskShape, CausalOption {
  /** Keys of a segment. */
  stride: number
  /** Keys at the end of each segment that all later queries keep. Default: 1. */
  summary?: number | undefined
  /** `local` the query's segment, `summary` the ends of segments. Default: 'both'. */
  factor?: Factor | undefined
}

/** The fixed pattern of Sparse Transformer (arXiv 1904.10509): the query's segment, and the last keys of each segment. */
export function fixed(options: FixedOptions): BlockMask {
  const name = 'patterns.fixed'
  const limit = expectLimit(options, true, name)
  const stride = expectExtent(options.stride, 1, `${name}: stride`)
  const width = expectExtent(options.summary ?? 1, 1, `${name}: summary`)
  if (width > stride)
    throw rangeError(
      'NNZ_VALUE',
      `${name}: summary: expected a whole number in 1..${stride} (the stride), got ${width}`,
    )
  const { local, summary } = expectFactor(options.factor ?? 'both', name)
  return pattern(options, name, (row) => {
    if (local) keepSegments(row, stride, limit)
    const end = limit(row.end - 1 + row.offset, options.columns)
    for (let from = stride - width; summary && from < end; from += stride)
      row.band(
        () => from,
        (p) => limit(p, from + width),
      )
  })
}
