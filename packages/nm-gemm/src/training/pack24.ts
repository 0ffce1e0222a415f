import { type Nm, nm } from '@nnz/core'

/** Two of four. */
export const PATTERN_24 = Object.freeze({ n: 2, m: 4 })

/**
 * A matrix that is 2:4 already, row-major, as its packed form: what `nm.fromDense` gives, several times faster, as nothing has
 * to be chosen.
 */
export function pack24(data: Float32Array, shape: readonly number[]): Nm {
  if (shape[1] % 4 !== 0) return nm.fromDense(data, shape, PATTERN_24)
  const groups = data.length / 4
  const values = new Float32Array(2 * groups)
  // Four bits for each group: two columns of two bits, the lower one first.
  const indices = new Uint8Array(Math.ceil(groups / 2))
  for (let group = 0; group < groups; group++) {
    const at = 4 * group
    // The first and the last that are not zero; where there is none or one, a zero beside it.
    let first = 0
    while (first < 2 && data[at + first] === 0) first++
    let second = 3
    while (second > first + 1 && data[at + second] === 0) second--
    values[2 * group] = data[at + first]
    values[2 * group + 1] = data[at + second]
    indices[group >> 1] |= (first | (second << 2)) << (4 * (group & 1))
  }
  return nm({ shape, ...PATTERN_24, values, indices })
}
