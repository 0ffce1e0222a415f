import { rangeError } from '../errors.ts'
import type { CompactValues } from './values.ts'

/** What compact storage costs and saves. */
export interface CompactCost {
  /** Largest |stored - original|. */
  readonly maxAbs: number
  /** Root of the mean square of the differences. */
  readonly rms: number
  /** `rms` as a share of the root mean square of the original values; 0 where those are all zero. */
  readonly relativeRms: number
  /** Bytes of values and scales, without the indices, for each stored value; f32 has 4. */
  readonly bytesPerWeight: number
  /** Bytes of the whole record, indices included. */
  readonly bytes: number
}

function arrays(record: object): number {
  let bytes = 0
  for (const value of Object.values(record)) if (ArrayBuffer.isView(value)) bytes += value.byteLength
  return bytes
}

/** Bytes of all arrays of a layout, those of compact values included. */
export function layoutBytes(w: { readonly values: object }): number {
  return arrays(w) + (ArrayBuffer.isView(w.values) ? 0 : arrays(w.values))
}

/**
 * The error of compact values against the f32 values that they were made from, and the bytes they take.
 *
 * @param original the layout before
 * @param compact the layout after
 * @param restored its values in f32
 * @throws RangeError if the two have not the same number of values
 */
export function compactCost(
  original: { readonly values: Float32Array },
  compact: { readonly values: CompactValues },
  restored: Float32Array,
  name: string,
): CompactCost {
  const before = original.values
  if (before.length !== restored.length)
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: expected as many values as before, ${before.length}, got ${restored.length}`,
    )
  let maxAbs = 0
  let squares = 0
  let scale = 0
  for (let i = 0; i < before.length; i++) {
    const error = Math.abs(restored[i] - before[i])
    maxAbs = Math.max(maxAbs, error)
    squares += error * error
    scale += before[i] * before[i]
  }
  return {
    maxAbs,
    rms: Math.sqrt(squares / Math.max(1, before.length)),
    relativeRms: scale === 0 ? 0 : Math.sqrt(squares / scale),
    bytesPerWeight: arrays(compact.values) / Math.max(1, before.length),
    bytes: layoutBytes(compact),
  }
}
