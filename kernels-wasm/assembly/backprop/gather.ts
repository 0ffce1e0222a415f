/**
 * New values for a stream of `spmm` (form: ../spmm/panel.ts): value i of the stream is values[sources[i]]. Reading here and
 * there and writing in order: the other way round each write waits for its line (0.9 against 5 ns a value, beyond L2).
 *
 * @param segments u32 byte offset into the stream for each [window][K block], and one more: the end
 * @param starts   u32 number of the first value of each window
 * @param sources  u32 for each value, in the order of the stream
 * @param begin, end  windows
 */
export function gatherValues(
  stream: usize, segments: usize, kBlocks: i32, starts: usize, sources: usize, values: usize, begin: i32, end: i32,
): void {
  for (let window = begin; window < end; window++) {
    const segment = segments + (<usize>(window * kBlocks) << 2)
    const from = sources + (<usize>load<u32>(starts + (<usize>window << 2)) << 2)
    gatherRuns(stream + load<u32>(segment), stream + load<u32>(segment + (<usize>kBlocks << 2)), from, values)
  }
}

function gatherRuns(p: usize, end: usize, sources: usize, values: usize): void {
  while (p < end) {
    let count = load<u32>(p) >> 16
    p += 4
    for (; count >= 4; count -= 4, p += 24, sources += 16) {
      store<f32>(p, load<f32>(values + (<usize>load<u32>(sources) << 2)))
      store<f32>(p, load<f32>(values + (<usize>load<u32>(sources, 4) << 2)), 4)
      store<f32>(p, load<f32>(values + (<usize>load<u32>(sources, 8) << 2)), 8)
      store<f32>(p, load<f32>(values + (<usize>load<u32>(sources, 12) << 2)), 12)
    }
    if (count > 0) {
      for (let i: u32 = 0; i < count; i++, sources += 4)
        store<f32>(p + (<usize>i << 2), load<f32>(values + (<usize>load<u32>(sources) << 2)))
      p += 24
    }
  }
}
