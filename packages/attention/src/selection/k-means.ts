import { type BackendOption, rangeError, resolveBackend, type Tensor, tensor } from '@nnz/core'
import { expectExtent } from '../mask/checks.ts'
import type { Heads } from '../operands.ts'
import { expectOptions } from '../options.ts'
import type { ClusterMembers } from '../patterns/clusters.ts'
import { expectShare, seeded } from '../patterns/values.ts'
import { expectLiveHeads } from './live-heads.ts'
import { openPooling } from './pooling.ts'

/** Options of {@link OnlineKMeans}. */
export interface KMeansOptions {
  heads: number
  /** Clusters of each head; about the root of the tokens makes attention cost tokens^1.5. */
  clusters: number
  headDim: number
  /** How much of a centroid an update keeps, 0 to 1. Default: 0.999. */
  decay?: number | undefined
  /** Of the first centroids. Default: 0. */
  seed?: number | undefined
  backend?: BackendOption | undefined
}

/** Rows of a head [tokens, headDim], each with mean 0 and variance 1 (or 0, if its elements are equal). */
function normalised({ data, shape, strides }: Heads, head: number): Float32Array {
  const [, , tokens, headDim] = shape
  const result = new Float32Array(tokens * headDim)
  for (let token = 0; token < tokens; token++) {
    const from = head * strides[1] + token * strides[2]
    normaliseRow(data, from, headDim, result, token * headDim)
  }
  return result
}

function normaliseRow(data: Float32Array, from: number, headDim: number, result: Float32Array, to: number): void {
  let mean = 0
  for (let i = 0; i < headDim; i++) mean += data[from + i] / headDim
  let variance = 0
  for (let i = 0; i < headDim; i++) variance += (data[from + i] - mean) ** 2 / headDim
  const factor = variance > 0 ? 1 / Math.sqrt(variance) : 0
  for (let i = 0; i < headDim; i++) result[to + i] = factor * (data[from + i] - mean)
}

/**
 * Online k-means over queries and keys (Routing Transformer, arXiv 2003.05997): tokens, normalised, belong to the centroid with
 * which their product is largest, and centroids follow the mean of their members.
 */
export class OnlineKMeans {
  /** [heads, clusters, headDim]; random at first. Written with some normalised tokens they settle sooner. */
  readonly centroids: Tensor
  readonly decay: number
  readonly #backend: BackendOption | undefined

  /**
   * @throws TypeError if an option is of the wrong kind
   * @throws RangeError if an option is out of range
   */
  constructor(options: KMeansOptions) {
    const name = 'OnlineKMeans'
    expectOptions(options, name)
    const heads = expectExtent(options.heads, 1, `${name}: heads`)
    const clusters = expectExtent(options.clusters, 1, `${name}: clusters`)
    const headDim = expectExtent(options.headDim, 4, `${name}: headDim`)
    if (headDim % 4 !== 0) throw rangeError('NNZ_SHAPE', `${name}: headDim: expected a multiple of 4, got ${headDim}`)
    this.decay = expectShare(options.decay ?? 0.999, `${name}: decay`)
    const next = seeded(expectExtent(options.seed ?? 0, 0, `${name}: seed`))
    const first = Float32Array.from({ length: heads * clusters * headDim }, () => next() - 0.5)
    for (let at = 0; at < first.length; at += headDim) normaliseRow(first, at, headDim, first, at)
    this.centroids = tensor(first, [heads, clusters, headDim])
    this.#backend = options.backend
  }

  #expect(x: unknown, name: string): Heads {
    const tokens = expectLiveHeads(x, `OnlineKMeans: ${name}`)
    const [heads, , headDim] = this.centroids.shape
    const [batch, count, , length] = tokens.shape
    if (batch !== 1 || count !== heads || length !== headDim)
      throw rangeError(
        'NNZ_SHAPE',
        `OnlineKMeans: ${name} is [${tokens.tensor.shape.join(', ')}], expected [${heads}, tokens, ${headDim}]`,
      )
    return tokens
  }

  /** Products of tokens and centroids of a head, [tokens][stride]. */
  #scores(rows: Float32Array, head: number): { data: Float32Array; stride: number } {
    const [, clusters, headDim] = this.centroids.shape
    const size = { block: 0, headDim, rows: rows.length / headDim, columns: clusters, length: headDim }
    const centroids = this.centroids.data.subarray(head * clusters * headDim, (head + 1) * clusters * headDim)
    return openPooling(resolveBackend(this.#backend), size).scores(rows, centroids, headDim, 1)
  }

  /** The nearest centroid of each token of a head. */
  #nearest(rows: Float32Array, head: number): Uint32Array {
    const [, clusters, headDim] = this.centroids.shape
    const { data, stride } = this.#scores(rows, head)
    return Uint32Array.from({ length: rows.length / headDim }, (_, token) => {
      let best = 0
      for (let c = 1; c < clusters; c++) if (data[token * stride + c] > data[token * stride + best]) best = c
      return best
    })
  }

  /**
   * The members of each cluster.
   *
   * @param x queries or keys [heads, tokens, headDim]
   * @param options `size`: each cluster takes so many tokens, those with which its product is largest, so that all cost the same;
   *   without it each token is in the one cluster that is nearest
   */
  assign(x: Tensor, options: { size?: number | undefined } = {}): ClusterMembers {
    const tokens = this.#expect(x, 'x')
    expectOptions(options, 'OnlineKMeans.assign')
    const [heads, clusters] = this.centroids.shape
    const size = options.size === undefined ? undefined : expectExtent(options.size, 1, 'OnlineKMeans.assign: size')
    return Array.from({ length: heads }, (_, head) => {
      const rows = normalised(tokens, head)
      if (size !== undefined) return this.#balanced(rows, head, size)
      const members: number[][] = Array.from({ length: clusters }, () => [])
      this.#nearest(rows, head).forEach((cluster, token) => {
        members[cluster].push(token)
      })
      return members
    })
  }

  #balanced(rows: Float32Array, head: number, size: number): number[][] {
    const [, clusters, headDim] = this.centroids.shape
    const { data, stride } = this.#scores(rows, head)
    const tokens = Array.from({ length: rows.length / headDim }, (_, token) => token)
    return Array.from({ length: clusters }, (_, c) =>
      [...tokens]
        .sort((a, b) => data[b * stride + c] - data[a * stride + c] || a - b)
        .slice(0, size)
        .sort((a, b) => a - b),
    )
  }

  /**
   * Moves each centroid towards the mean of its members among queries and keys: decay * centroid + (1 - decay) * mean. A centroid
   * without members stays.
   */
  update(q: Tensor, k: Tensor): void {
    const operands = [this.#expect(q, 'q'), this.#expect(k, 'k')]
    const [heads, clusters, headDim] = this.centroids.shape
    for (let head = 0; head < heads; head++) {
      const sums = new Float64Array(clusters * headDim)
      const counts = new Uint32Array(clusters)
      for (const rows of operands.map((x) => normalised(x, head)))
        this.#nearest(rows, head).forEach((cluster, token) => {
          counts[cluster]++
          for (let i = 0; i < headDim; i++) sums[cluster * headDim + i] += rows[token * headDim + i]
        })
      const from = head * clusters * headDim
      sums.forEach((sum, i) => {
        const count = counts[Math.floor(i / headDim)]
        if (count === 0) return
        const centroid = this.centroids.data[from + i]
        this.centroids.data[from + i] = this.decay * centroid + (1 - this.decay) * (sum / count)
      })
    }
  }
}
