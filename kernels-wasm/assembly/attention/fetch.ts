/**
 * Reads rows line by line, one after another, before kernels read several of them side by side: no prefetcher follows those.
 * Returns a number that depends on all lines; it has to be stored, or compilers leave the reads out.
 */
// @ts-ignore: decorator
@inline export function fetch(row: usize, stride: usize, count: i32, rowBytes: usize): i32 {
  let all = 0
  for (; count > 0; count--, row += stride) for (let i: usize = 0; i < rowBytes; i += 64) all |= load<i32>(row + i)
  return all
}
