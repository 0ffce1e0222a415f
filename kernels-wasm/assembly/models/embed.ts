// Embeddings of tokens, turned so that tokens stand in lanes.
import { storeTransposed } from '../lib/vector'

/**
 * x[feature][token] = words[tokens[token]][feature] + places[positions[token]][feature].
 *
 * @param tokens, positions  i32, for as many tokens as the units have
 * @param words, places      rows of `width` floats, a multiple of 4
 * @param x                  `stride` bytes from feature to feature
 * @param begin, end         fours of tokens
 */
export function embed(tokens: usize, positions: usize, words: usize, places: usize, width: i32, x: usize, stride: usize, begin: i32, end: i32): void {
  const rowBytes = <usize>width << 2
  for (let unit = <usize>begin << 4; unit < <usize>end << 4; unit += 16) {
    const t = tokens + unit
    const p = positions + unit
    const words0 = words + <usize>load<i32>(t) * rowBytes
    const words1 = words + <usize>load<i32>(t, 4) * rowBytes
    const words2 = words + <usize>load<i32>(t, 8) * rowBytes
    const words3 = words + <usize>load<i32>(t, 12) * rowBytes
    const places0 = places + <usize>load<i32>(p) * rowBytes
    const places1 = places + <usize>load<i32>(p, 4) * rowBytes
    const places2 = places + <usize>load<i32>(p, 8) * rowBytes
    const places3 = places + <usize>load<i32>(p, 12) * rowBytes
    let to = x + unit
    for (let i: usize = 0; i < rowBytes; i += 16, to += 4 * stride) {
      const a = f32x4.add(v128.load(words0 + i), v128.load(places0 + i))
      const b = f32x4.add(v128.load(words1 + i), v128.load(places1 + i))
      const c = f32x4.add(v128.load(words2 + i), v128.load(places2 + i))
      const d = f32x4.add(v128.load(words3 + i), v128.load(places3 + i))
      storeTransposed(a, b, c, d, to, stride)
    }
  }
}
