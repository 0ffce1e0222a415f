/** Copies `width` columns of x, from `column` on, to rows of that width without gaps. */
export function packPanel(
  x: Float32Array,
  rowStride: number,
  columnStride: number,
  k: number,
  column: number,
  width: number,
  panel: Float64Array,
): void {
  for (let i = 0, to = 0, row = 0; i < k; i++, row += rowStride) {
    for (let j = 0, from = row + column * columnStride; j < width; j++, from += columnStride) panel[to++] = x[from]
  }
}

// Values and panels are held as f64: V8 has no f32 arithmetic, and converting each operand costs more than the bytes.

/** Eight columns of y = w·x. `y[offset + row * rowStride + j * columnStride]` is written for every row. */
export function rowsTimesPanel8(
  rowOffsets: Uint32Array,
  columnIndices: Uint32Array,
  values: Float64Array,
  panel: Float64Array,
  y: Float32Array,
  offset: number,
  rowStride: number,
  columnStride: number,
): void {
  for (let row = 0, at = offset; row < rowOffsets.length - 1; row++, at += rowStride) {
    let s0 = 0,
      s1 = 0,
      s2 = 0,
      s3 = 0
    let s4 = 0,
      s5 = 0,
      s6 = 0,
      s7 = 0
    for (let i = rowOffsets[row], end = rowOffsets[row + 1]; i < end; i++) {
      const value = values[i]
      const from = columnIndices[i] << 3
      s0 = s0 + value * panel[from]
      s1 = s1 + value * panel[from + 1]
      s2 = s2 + value * panel[from + 2]
      s3 = s3 + value * panel[from + 3]
      s4 = s4 + value * panel[from + 4]
      s5 = s5 + value * panel[from + 5]
      s6 = s6 + value * panel[from + 6]
      s7 = s7 + value * panel[from + 7]
    }
    y[at] = s0
    y[at + columnStride] = s1
    y[at + 2 * columnStride] = s2
    y[at + 3 * columnStride] = s3
    y[at + 4 * columnStride] = s4
    y[at + 5 * columnStride] = s5
    y[at + 6 * columnStride] = s6
    y[at + 7 * columnStride] = s7
  }
}

/** Four columns, otherwise as {@link rowsTimesPanel8}. */
export function rowsTimesPanel4(
  rowOffsets: Uint32Array,
  columnIndices: Uint32Array,
  values: Float64Array,
  panel: Float64Array,
  y: Float32Array,
  offset: number,
  rowStride: number,
  columnStride: number,
): void {
  for (let row = 0, at = offset; row < rowOffsets.length - 1; row++, at += rowStride) {
    let s0 = 0,
      s1 = 0,
      s2 = 0,
      s3 = 0
    for (let i = rowOffsets[row], end = rowOffsets[row + 1]; i < end; i++) {
      const value = values[i]
      const from = columnIndices[i] << 2
      s0 = s0 + value * panel[from]
      s1 = s1 + value * panel[from + 1]
      s2 = s2 + value * panel[from + 2]
      s3 = s3 + value * panel[from + 3]
    }
    y[at] = s0
    y[at + columnStride] = s1
    y[at + 2 * columnStride] = s2
    y[at + 3 * columnStride] = s3
  }
}

/** One column: four chains, so that additions overlap. */
export function rowsTimesColumn(
  rowOffsets: Uint32Array,
  columnIndices: Uint32Array,
  values: Float64Array,
  column: Float64Array,
  y: Float32Array,
  offset: number,
  rowStride: number,
): void {
  for (let row = 0, at = offset; row < rowOffsets.length - 1; row++, at += rowStride) {
    let s0 = 0,
      s1 = 0,
      s2 = 0,
      s3 = 0
    let i = rowOffsets[row]
    const end = rowOffsets[row + 1]
    for (const last = end - 3; i < last; i += 4) {
      s0 = s0 + values[i] * column[columnIndices[i]]
      s1 = s1 + values[i + 1] * column[columnIndices[i + 1]]
      s2 = s2 + values[i + 2] * column[columnIndices[i + 2]]
      s3 = s3 + values[i + 3] * column[columnIndices[i + 3]]
    }
    for (; i < end; i++) s0 = s0 + values[i] * column[columnIndices[i]]
    y[at] = s0 + s1 + s2 + s3
  }
}
