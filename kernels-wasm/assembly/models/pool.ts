// The embedding of a sequence: the mean of its tokens' states, divided by its length.
import { sum } from '../lib/vector'

/**
 * out[s] = mean / |mean| of the columns from offsets[s] to before offsets[s + 1]; zeros for a sequence without tokens.
 *
 * @param x           [width] rows of tokens, `stride` bytes apart
 * @param offsets     i32, one more than there are sequences
 * @param out         rows of `width` floats
 * @param begin, end  sequences
 */
export function pool(x: usize, stride: usize, width: i32, offsets: usize, out: usize, begin: i32, end: i32): void {
  for (let s = begin; s < end; s++) {
    const from = <usize>load<i32>(offsets + (<usize>s << 2)) << 2
    const bytes = (<usize>load<i32>(offsets + (<usize>s << 2), 4) << 2) - from
    const row = out + <usize>s * (<usize>width << 2)
    const rowEnd = row + (<usize>width << 2)
    let squares: f32 = 0
    let source = x + from
    for (let to = row; to != rowEnd; to += 4, source += stride) {
      const value = sumOf(source, bytes)
      squares += value * value
      store<f32>(to, value)
    }
    const factor: f32 = squares > 0 ? 1 / sqrt<f32>(squares) : 1
    for (let to = row; to != rowEnd; to += 4) store<f32>(to, load<f32>(to) * factor)
  }
}

/** Of the length of the mean nothing is left: it does not matter by what the sum is divided. */
// @ts-ignore: decorator
@inline function sumOf(p: usize, bytes: usize): f32 {
  let total = f32x4.splat(0)
  const vectors = p + (bytes & ~15)
  const end = p + bytes
  for (; p != vectors; p += 16) total = f32x4.add(total, v128.load(p))
  let value = sum(total)
  for (; p != end; p += 4) value += load<f32>(p)
  return value
}
