// The microkernel: AssemblyScript on raw pointers. It does not allocate, validate, or branch on what the plan knows.

/**
 * y = w * x, one entry after the other. All strides in bytes.
 *
 * @param rowOffsets    u32, one for each row, and one more
 * @param columnIndices u32 and
 * @param values        f32, one for each entry
 * @param begin, end    rows of this part: every thread gets other ones
 */
export function spmmSkeleton(
  rowOffsets: usize, columnIndices: usize, values: usize,
  x: usize, xRowStride: usize, xColumnStride: usize, n: i32,
  y: usize, yRowStride: usize, yColumnStride: usize,
  begin: i32, end: i32,
): void {
  for (let row = begin; row < end; row++) {
    const first = load<u32>(rowOffsets + (<usize>row << 2))
    const last = load<u32>(rowOffsets + (<usize>row << 2), 4)
    for (let column = 0; column < n; column++) {
      const from = x + <usize>column * xColumnStride
      let sum: f32 = 0
      for (let entry = <usize>first; entry < last; entry++) {
        const k = load<u32>(columnIndices + (entry << 2))
        sum += load<f32>(values + (entry << 2)) * load<f32>(from + <usize>k * xRowStride)
      }
      store<f32>(y + <usize>row * yRowStride + <usize>column * yColumnStride, sum)
    }
  }
}
