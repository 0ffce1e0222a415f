/** Numbers of a matrix as whole numbers times scales, each for a block of neighbours in a row: what Q8_0 of a GGUF file is. */
export interface ByteBlocks {
  /** Row-major. */
  readonly data: Int8Array
  /** One for each block, row-major. */
  readonly scales: Float32Array
}

/** Numbers of a block. */
export const BLOCK = 32

const rounded = Math.fround

/**
 * Finds the bytes and scales that numbers were widened from, bit by bit: for each block the scale whose multiples by whole
 * numbers in -127..127 give all of its numbers exactly.
 *
 * @returns undefined where there are none: the numbers do not come from such blocks
 */
export function byteBlocks(values: Float32Array): ByteBlocks | undefined {
  if (values.length % BLOCK !== 0) return undefined
  const data = new Int8Array(values.length)
  const scales = new Float32Array(values.length / BLOCK)
  for (let block = 0; block < scales.length; block++) {
    const scale = scaleOf(values, block * BLOCK, data)
    if (scale === undefined) return undefined
    scales[block] = scale
  }
  return { data, scales }
}

/** Of the block that begins at `start`: writes its bytes. The largest number is 127 scales long, or rarely a few less. */
function scaleOf(values: Float32Array, start: number, data: Int8Array): number | undefined {
  let largest = 0
  for (let i = start; i < start + BLOCK; i++) largest = Math.max(largest, Math.abs(values[i]))
  if (largest === 0) return 0
  for (let most = 127; most >= 64; most--) {
    const scale = rounded(largest / most)
    let i = start
    for (; i < start + BLOCK; i++) {
      data[i] = Math.round(values[i] / scale)
      if (rounded(data[i] * scale) !== values[i]) break
    }
    if (i === start + BLOCK) return scale
  }
  return undefined
}

/** Widens some blocks' numbers, from `start` on, into `target`. */
export function widenBlocks({ data, scales }: ByteBlocks, start: number, target: Float32Array): void {
  for (let at = 0; at < target.length; at += BLOCK) {
    const scale = scales[(start + at) / BLOCK]
    for (let i = at; i < at + BLOCK; i++) target[i] = scale * data[start + i]
  }
}
