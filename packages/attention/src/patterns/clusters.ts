import { describe, rangeError, typeError } from '@nnz/core'
import { type BlockMask, expectMaskShape, type MaskShape } from '../mask/block-mask.ts'
import { toIndices } from '../mask/checks.ts'
import { type CausalOption, expectLimit } from './causality.ts'
import { pattern } from './pattern.ts'
import { runsOf } from './segments.ts'

/** For each head, for each cluster, its tokens in rising order. A token may be in several clusters, or in none. */
export type ClusterMembers = readonly (readonly ArrayLike<number>[])[]

/** Options of `patterns.clusters`. */
export interface ClustersOptions extends MaskShape, CausalOption {
  queries: ClusterMembers
  /** As many clusters as `queries`. */
  keys: ClusterMembers
  /** Default: false. */
  causal?: boolean | undefined
}

function expectMembers(value: unknown, heads: number, limit: number, name: string): Uint32Array[][] {
  if (!Array.isArray(value) || !value.every(Array.isArray))
    throw typeError('NNZ_TYPE', `${name}: expected lists of clusters for each head, got ${describe(value)}`)
  if (value.length !== heads)
    throw rangeError('NNZ_SHAPE', `${name}: expected clusters of ${heads} heads, got ${value.length}`)
  return value.map((clusters: unknown[], head) =>
    clusters.map((members, cluster) => {
      const of = `${name}[${head}][${cluster}]`
      const indices = toIndices(members, of)
      indices.forEach((token, i) => {
        if (token >= limit || (i > 0 && token <= indices[i - 1]))
          throw rangeError('NNZ_VALUE', `${of}: expected rising numbers below ${limit}, got ${token} at ${i}`)
      })
      return indices
    }),
  )
}

/** For each query the clusters that it is in. */
function clustersOf(members: readonly Uint32Array[], queries: number): number[][] {
  const lists: number[][] = Array.from({ length: queries }, () => [])
  members.forEach((tokens, cluster) => {
    for (const token of tokens) lists[token].push(cluster)
  })
  return lists
}

/**
 * Queries keep the keys of their clusters (Routing Transformer, arXiv 2003.05997). Members of a cluster are scattered: to save
 * blocks and not only pairs, order the tokens by cluster first.
 */
export function clusters(options: ClustersOptions): BlockMask {
  const name = 'patterns.clusters'
  const { heads, rows, columns } = expectMaskShape(options, name)
  const limit = expectLimit(options, false, name)
  const queries = expectMembers(options.queries, heads, rows, `${name}: queries`)
  const keys = expectMembers(options.keys, heads, columns, `${name}: keys`)
  const runs = keys.map((members, head) => {
    if (members.length !== queries[head].length)
      throw rangeError(
        'NNZ_SHAPE',
        `${name}: keys: expected ${queries[head].length} clusters for head ${head}, got ${members.length}`,
      )
    return members.map(runsOf)
  })
  const memberships = queries.map((members) => clustersOf(members, rows))
  return pattern(options, name, (row) => {
    for (let query = row.first; query < row.end; query++) {
      const end = limit(query + row.offset, columns)
      for (const cluster of memberships[row.head][query])
        for (const [from, to] of runs[row.head][cluster]) {
          if (from >= end) break
          row.keep(query, from, Math.min(to, end))
        }
    }
  })
}
