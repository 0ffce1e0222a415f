// Rising indices of groups (rows, for csr) as the gaps between them, one byte each: at the sparsities of pruned models
// nearly all gaps are below 255, so that an index takes one byte where it takes two or four in memory.
// A gap g is floor(g / 255) bytes of 255 and one of g mod 255; the first of a group counts from -1.

/** Bytes that the gaps take, or undefined if more than `limit`. */
export function gapBytes(offsets: Uint32Array, indices: Uint32Array, limit: number): number | undefined {
  let bytes = indices.length
  for (let group = 0; group < offsets.length - 1; group++) {
    let previous = -1
    for (let i = offsets[group]; i < offsets[group + 1]; i++) {
      bytes += Math.floor((indices[i] - previous - 1) / 255)
      previous = indices[i]
    }
    if (bytes > limit) return undefined
  }
  return bytes
}

/** The gaps of indices that rise strictly inside each group. */
export function encodeGaps(offsets: Uint32Array, indices: Uint32Array, bytes: number): Uint8Array {
  const gaps = new Uint8Array(bytes)
  let at = 0
  for (let group = 0; group < offsets.length - 1; group++) {
    let previous = -1
    for (let i = offsets[group]; i < offsets[group + 1]; i++) {
      let gap = indices[i] - previous - 1
      for (; gap >= 255; gap -= 255) gaps[at++] = 255
      gaps[at++] = gap
      previous = indices[i]
    }
  }
  return gaps
}

/**
 * The indices that gaps stand for; undefined if there are not `offsets[last]` of them, or one is beyond 2^32 - 1. The
 * caller has checked that `offsets` rise and that there are at least as many bytes as indices.
 */
export function decodeGaps(offsets: ArrayLike<number>, gaps: Uint8Array): Uint32Array | undefined {
  const indices = new Uint32Array(offsets[offsets.length - 1])
  let at = 0
  for (let group = 0; group < offsets.length - 1; group++) {
    let index = -1
    for (let i = offsets[group]; i < offsets[group + 1]; i++) {
      for (; gaps[at] === 255; at++) index += 255
      if (at === gaps.length) return undefined
      index += gaps[at++] + 1
      if (index > 0xffffffff) return undefined
      indices[i] = index
    }
  }
  return at === gaps.length ? indices : undefined
}
