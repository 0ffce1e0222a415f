// Register tiles of the block-sparse product: two rows x W vectors over a run of the kept blocks of a block row.
// Narrow tiles take U columns at once, each with sums of its own, to have enough of them: 8 to 12 in flight.
import { madd } from '../lib/vector'

/**
 * All rows of a block row, two by two, so that the rows of X that the run needs stay in L1.
 *
 * @param p            weights, [two rows][column of the run][2]
 * @param first, last  addresses of the run's u32 block columns
 * @param x            a panel of W vectors
 * @param rows         of y; what an odd last one's partner gives is stored at its address, before it
 * @param fresh        y is written, else added to
 */
// @ts-ignore: decorator
@inline function tiles(
  W: i32, U: i32, p: usize, first: usize, last: usize, blockColumns: i32, k: i32,
  x: usize, y: usize, stride: usize, rows: i32, fresh: bool,
): void {
  for (; rows > 0; rows -= 2, y += 2 * stride) {
    const z = rows > 1 ? y + stride : y
    let a0 = f32x4.splat(0)
    let a1 = a0
    let a2 = a0
    let a3 = a0
    let a4 = a0
    let a5 = a0
    let b0 = a0
    let b1 = a0
    let b2 = a0
    let b3 = a0
    let b4 = a0
    let b5 = a0
    for (let block = first; block != last; block += 4) {
      const left = load<i32>(block) * blockColumns
      const columns = min(blockColumns, k - left)
      let at = x + <usize>left * (W << 4)
      const end = p + (<usize>columns << 3)
      if (U > 1) {
        const unrolled = p + (<usize>(columns / U * U) << 3)
        while (p != unrolled) {
          if (W == 1) {
            let v = v128.load32_splat(p)
            let w = v128.load32_splat(p, 4)
            let x0 = v128.load(at)
            a0 = madd(v, x0, a0)
            b0 = madd(w, x0, b0)
            v = v128.load32_splat(p, 8)
            w = v128.load32_splat(p, 12)
            x0 = v128.load(at, 16)
            a1 = madd(v, x0, a1)
            b1 = madd(w, x0, b1)
            v = v128.load32_splat(p, 16)
            w = v128.load32_splat(p, 20)
            x0 = v128.load(at, 32)
            a2 = madd(v, x0, a2)
            b2 = madd(w, x0, b2)
            v = v128.load32_splat(p, 24)
            w = v128.load32_splat(p, 28)
            x0 = v128.load(at, 48)
            a3 = madd(v, x0, a3)
            b3 = madd(w, x0, b3)
          } else if (W == 2) {
            let v = v128.load32_splat(p)
            let w = v128.load32_splat(p, 4)
            let x0 = v128.load(at)
            a0 = madd(v, x0, a0)
            b0 = madd(w, x0, b0)
            let x1 = v128.load(at, 16)
            a1 = madd(v, x1, a1)
            b1 = madd(w, x1, b1)
            v = v128.load32_splat(p, 8)
            w = v128.load32_splat(p, 12)
            x0 = v128.load(at, 32)
            a2 = madd(v, x0, a2)
            b2 = madd(w, x0, b2)
            x1 = v128.load(at, 48)
            a3 = madd(v, x1, a3)
            b3 = madd(w, x1, b3)
          } else {
            let v = v128.load32_splat(p)
            let w = v128.load32_splat(p, 4)
            let x0 = v128.load(at)
            a0 = madd(v, x0, a0)
            b0 = madd(w, x0, b0)
            let x1 = v128.load(at, 16)
            a1 = madd(v, x1, a1)
            b1 = madd(w, x1, b1)
            let x2 = v128.load(at, 32)
            a2 = madd(v, x2, a2)
            b2 = madd(w, x2, b2)
            v = v128.load32_splat(p, 8)
            w = v128.load32_splat(p, 12)
            x0 = v128.load(at, 48)
            a3 = madd(v, x0, a3)
            b3 = madd(w, x0, b3)
            x1 = v128.load(at, 64)
            a4 = madd(v, x1, a4)
            b4 = madd(w, x1, b4)
            x2 = v128.load(at, 80)
            a5 = madd(v, x2, a5)
            b5 = madd(w, x2, b5)
          }
          p += U << 3
          at += (U * W) << 4
        }
      }
      while (p != end) {
        const v = v128.load32_splat(p)
        const w = v128.load32_splat(p, 4)
        if (W > 0) {
          const x0 = v128.load(at)
          a0 = madd(v, x0, a0)
          b0 = madd(w, x0, b0)
        }
        if (W > 1) {
          const x1 = v128.load(at, 16)
          a1 = madd(v, x1, a1)
          b1 = madd(w, x1, b1)
        }
        if (W > 2) {
          const x2 = v128.load(at, 32)
          a2 = madd(v, x2, a2)
          b2 = madd(w, x2, b2)
        }
        if (W > 3) {
          const x3 = v128.load(at, 48)
          a3 = madd(v, x3, a3)
          b3 = madd(w, x3, b3)
        }
        if (W > 4) {
          const x4 = v128.load(at, 64)
          a4 = madd(v, x4, a4)
          b4 = madd(w, x4, b4)
        }
        if (W > 5) {
          const x5 = v128.load(at, 80)
          a5 = madd(v, x5, a5)
          b5 = madd(w, x5, b5)
        }
        p += 8
        at += W << 4
      }
    }
    if (U == 4) {
      a0 = f32x4.add(f32x4.add(a0, a1), f32x4.add(a2, a3))
      b0 = f32x4.add(f32x4.add(b0, b1), f32x4.add(b2, b3))
    } else if (U == 2) {
      a0 = f32x4.add(a0, W == 2 ? a2 : a3)
      b0 = f32x4.add(b0, W == 2 ? b2 : b3)
      a1 = f32x4.add(a1, W == 2 ? a3 : a4)
      b1 = f32x4.add(b1, W == 2 ? b3 : b4)
      if (W == 3) {
        a2 = f32x4.add(a2, a5)
        b2 = f32x4.add(b2, b5)
      }
    }
    if (!fresh) {
      if (W > 0) {
        a0 = f32x4.add(a0, v128.load(y))
        b0 = f32x4.add(b0, v128.load(z))
      }
      if (W > 1) {
        a1 = f32x4.add(a1, v128.load(y, 16))
        b1 = f32x4.add(b1, v128.load(z, 16))
      }
      if (W > 2) {
        a2 = f32x4.add(a2, v128.load(y, 32))
        b2 = f32x4.add(b2, v128.load(z, 32))
      }
      if (W > 3) {
        a3 = f32x4.add(a3, v128.load(y, 48))
        b3 = f32x4.add(b3, v128.load(z, 48))
      }
      if (W > 4) {
        a4 = f32x4.add(a4, v128.load(y, 64))
        b4 = f32x4.add(b4, v128.load(z, 64))
      }
      if (W > 5) {
        a5 = f32x4.add(a5, v128.load(y, 80))
        b5 = f32x4.add(b5, v128.load(z, 80))
      }
    }
    if (W > 0) v128.store(z, b0)
    if (W > 1) v128.store(z, b1, 16)
    if (W > 2) v128.store(z, b2, 32)
    if (W > 3) v128.store(z, b3, 48)
    if (W > 4) v128.store(z, b4, 64)
    if (W > 5) v128.store(z, b5, 80)
    if (W > 0) v128.store(y, a0)
    if (W > 1) v128.store(y, a1, 16)
    if (W > 2) v128.store(y, a2, 32)
    if (W > 3) v128.store(y, a3, 48)
    if (W > 4) v128.store(y, a4, 64)
    if (W > 5) v128.store(y, a5, 80)
  }
}

function by1(
  p: usize, first: usize, last: usize, blockColumns: i32, k: i32, x: usize, y: usize, stride: usize, rows: i32, fresh: bool,
): void {
  tiles(1, 4, p, first, last, blockColumns, k, x, y, stride, rows, fresh)
}

function by2(
  p: usize, first: usize, last: usize, blockColumns: i32, k: i32, x: usize, y: usize, stride: usize, rows: i32, fresh: bool,
): void {
  tiles(2, 2, p, first, last, blockColumns, k, x, y, stride, rows, fresh)
}

function by3(
  p: usize, first: usize, last: usize, blockColumns: i32, k: i32, x: usize, y: usize, stride: usize, rows: i32, fresh: bool,
): void {
  tiles(3, ASC_FEATURE_RELAXED_SIMD ? 2 : 1, p, first, last, blockColumns, k, x, y, stride, rows, fresh)
}

function by4(
  p: usize, first: usize, last: usize, blockColumns: i32, k: i32, x: usize, y: usize, stride: usize, rows: i32, fresh: bool,
): void {
  tiles(4, 1, p, first, last, blockColumns, k, x, y, stride, rows, fresh)
}

function by5(
  p: usize, first: usize, last: usize, blockColumns: i32, k: i32, x: usize, y: usize, stride: usize, rows: i32, fresh: bool,
): void {
  tiles(5, 1, p, first, last, blockColumns, k, x, y, stride, rows, fresh)
}

function by6(
  p: usize, first: usize, last: usize, blockColumns: i32, k: i32, x: usize, y: usize, stride: usize, rows: i32, fresh: bool,
): void {
  tiles(6, 1, p, first, last, blockColumns, k, x, y, stride, rows, fresh)
}

/** As `tiles`, for a panel of `vectors` vectors, 6 at most. */
export function runTimesPanel(
  vectors: i32, p: usize, first: usize, last: usize, blockColumns: i32, k: i32,
  x: usize, y: usize, stride: usize, rows: i32, fresh: bool,
): void {
  switch (vectors) {
    case 1: return by1(p, first, last, blockColumns, k, x, y, stride, rows, fresh)
    case 2: return by2(p, first, last, blockColumns, k, x, y, stride, rows, fresh)
    case 3: return by3(p, first, last, blockColumns, k, x, y, stride, rows, fresh)
    case 4: return by4(p, first, last, blockColumns, k, x, y, stride, rows, fresh)
    case 5: return by5(p, first, last, blockColumns, k, x, y, stride, rows, fresh)
    default: return by6(p, first, last, blockColumns, k, x, y, stride, rows, fresh)
  }
}
