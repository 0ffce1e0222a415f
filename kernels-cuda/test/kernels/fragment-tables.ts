// Fragment layouts as the PTX ISA gives them in its formulas (sections "Matrix fragments for mma.m16n8k16 with floating
// point type", "mma.m16n8k32 with integer type", "sparse mma.m16n8k32" and "m16n8k64"), case by case and not by a formula
// of ours: the emulator has its own, and a kernel a third.

export type Place = readonly [row: number, column: number]

const groupOf = (lane: number) => lane >> 2
const inGroup = (lane: number) => lane % 4

/** a0 … a7 of 16-bit types: rows groupID for a0 a1 a4 a5, groupID + 8 for a2 a3 a6 a7; columns from a4 on 8 further. */
export function a16(lane: number): Place[] {
  const [g, t] = [groupOf(lane), inGroup(lane) * 2]
  return [
    [g, t],
    [g, t + 1],
    [g + 8, t],
    [g + 8, t + 1],
    [g, t + 8],
    [g, t + 9],
    [g + 8, t + 8],
    [g + 8, t + 9],
  ]
}

/** b0 … b3 of 16-bit types, as [k, n]. The sparse instruction goes on: b4 … b7 from row 16. */
export function b16(lane: number, sparse: boolean): Place[] {
  const [g, t] = [groupOf(lane), inGroup(lane) * 2]
  const rows = [t, t + 1, t + 8, t + 9, ...(sparse ? [t + 16, t + 17, t + 24, t + 25] : [])]
  return rows.map((row) => [row, g])
}

/** a0 … a15 of 8-bit types: rows groupID for i < 4 and 8 <= i < 12, groupID + 8 else; columns from a8 on 16 further. */
export function a8(lane: number): Place[] {
  const [g, t] = [groupOf(lane), inGroup(lane) * 4]
  return [...Array(16).keys()].map((i) => {
    const row = i < 4 || (i >= 8 && i < 12) ? g : g + 8
    return [row, (i < 8 ? t : t + 16) + (i & 3)]
  })
}

/** b0 … b7 of 8-bit types; the sparse instruction has b8 … b15 from row 32. */
export function b8(lane: number, sparse: boolean): Place[] {
  const [g, t] = [groupOf(lane), inGroup(lane) * 4]
  const starts = sparse ? [0, 16, 32, 48] : [0, 16]
  return starts.flatMap((start) => [0, 1, 2, 3].map((i): Place => [start + t + i, g]))
}

/** c0 … c3. */
export function accumulators(lane: number): Place[] {
  const [g, t] = [groupOf(lane), inGroup(lane) * 2]
  return [
    [g, t],
    [g, t + 1],
    [g + 8, t],
    [g + 8, t + 1],
  ]
}

/**
 * Sparsity selector 0. 16-bit types: lanes with lane % 4 of 0 and 1 hold columns 0 to 15 and 16 to 31. 8-bit types: all
 * four lanes of a group, 16 columns each. Row groupID lies in bits 0 to 15, row groupID + 8 in bits 16 to 31.
 */
export function metadataPlace(row: number, column: number): { lane: number; bit: number } {
  const chunk = Math.floor(column / 16)
  const groupInChunk = Math.floor((column % 16) / 4)
  return { lane: (row % 8) * 4 + chunk, bit: (row < 8 ? 0 : 16) + groupInChunk * 4 }
}
