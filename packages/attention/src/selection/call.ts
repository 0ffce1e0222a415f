import { type Backend, type BackendOption, resolveBackend, type Tensor } from '@nnz/core'
import { type BlockMask, expectMaskShape } from '../mask/block-mask.ts'
import type { MaskSize } from '../mask/block-writer.ts'
import { expectShape, expectShapes, type Heads } from '../operands.ts'
import { expectOptions } from '../options.ts'
import { expectFinite, expectFlag } from '../patterns/values.ts'
import type { AttentionShape } from '../problem.ts'
import { expectLiveHeads } from './live-heads.ts'

/** What every selection may be told. */
export interface SelectionOptions {
  /** Queries and keys of a block. Default: [64, 64]. */
  blockShape?: readonly number[] | undefined
  /** Only pairs that causal attention has, aligned as in `attention`; the mask leaves the others out. Default: false. */
  causal?: boolean | undefined
  /** Factor of the scores. Default: 1 / sqrt(headDim). */
  scale?: number | undefined
  /** Where to run. Default: WASM where the host has it, else plain JS. */
  backend?: BackendOption | undefined
}

/** What a selection took. */
export interface SelectionCost {
  /** Floating point operations. */
  readonly flops: number
  /** Bytes of q and k that were read. */
  readonly bytes: number
  /** Time, everything included. */
  readonly nanoseconds: number
}

/** Which blocks to compute, and what it took to choose them. */
export interface Selection {
  /** A pattern for each head, of each batch entry if there are several. */
  readonly mask: BlockMask
  readonly cost: SelectionCost
}

/** Chooses a mask for what it is given, for example `(q, k) => selection.pooled(q, k, { topK: 8 })`. */
export type Selector = (q: Tensor, k: Tensor) => Selection

/** A checked call of a selection. */
export interface SelectionCall {
  readonly name: string
  readonly q: Heads
  readonly k: Heads
  readonly shape: AttentionShape
  readonly size: MaskSize
  /** Query heads that share a key head. */
  readonly group: number
  readonly causal: boolean
  readonly scale: number
  readonly backend: Backend
  readonly meter: Meter
}

/** Counts what a selection does, from its making on. */
export class Meter {
  flops = 0
  bytes = 0
  readonly #start = performance.now()

  get cost(): SelectionCost {
    return { flops: this.flops, bytes: this.bytes, nanoseconds: (performance.now() - this.#start) * 1e6 }
  }
}

/** Checks q, k and the common options. */
export function expectCall(q: unknown, k: unknown, options: SelectionOptions, name: string): SelectionCall {
  const meter = new Meter()
  expectOptions(options, name)
  const [query, key] = [expectLiveHeads(q, `${name}: q`), expectLiveHeads(k, `${name}: k`)]
  const [batch, heads, tokens, headDim] = query.shape
  const [, keyHeads, keys] = key.shape
  const shape = expectShapes({ batch, heads, keyHeads, tokens, keys, headDim }, name)
  expectShape(key, [batch, keyHeads, keys, headDim], `${name}: k`)
  const { blockShape = [64, 64], causal = false, scale = 1 / Math.sqrt(headDim) } = options
  const size = expectMaskShape({ blockShape, heads: batch * heads, rows: tokens, columns: keys }, name)
  expectFlag(causal, `${name}: causal`)
  expectFinite(scale, `${name}: scale`)
  const group = heads / keyHeads
  return { name, q: query, k: key, shape, size, group, causal, scale, backend: resolveBackend(options.backend), meter }
}
