import type { Explanation } from '@nnz/core'

/** What a backward plan decided, as data; `String(explanation)` is for people. */
export interface BackwardExplanation {
  readonly operation: string
  /** Plan of dX = Wᵀ·dZ; undefined if dx is not wanted. */
  readonly dx: Explanation | undefined
  /** Plan of dW at the entries; undefined if dValues are not wanted. */
  readonly dValues: Explanation | undefined
  readonly flops: number
  readonly bytes: number
  /** Bytes of both packings, of the transposed index, and of the room for dZ. */
  readonly packedBytes: number
  toString(): string
}

/** Puts the explanations of the parts together. */
export function explainBackward(
  operation: string,
  { dx, dValues }: Readonly<Record<string, Explanation | undefined>>,
  indexBytes: number,
  roomBytes: number,
): BackwardExplanation {
  const parts = [dx, dValues].filter((part) => part !== undefined)
  const total = (of: 'flops' | 'bytes' | 'packedBytes') => parts.reduce((sum, part) => sum + part[of], 0)
  return {
    operation,
    dx,
    dValues,
    flops: total('flops'),
    bytes: total('bytes'),
    packedBytes: total('packedBytes') + indexBytes + roomBytes,
    toString: () => [`${operation}:`, ...parts.map(String)].join('\n'),
  }
}
