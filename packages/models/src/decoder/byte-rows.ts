import { BLOCK, type ByteBlocks } from './byte-blocks.ts'

/** y = W·x for one x, with W in bytes and scales and x in f32: no rounding but that of f32. */
export interface ByteRows {
  run(x: Float32Array, y: Float32Array): void
  dispose(): void
}

/** Keeps a matrix [rows, columns] ready for such products. */
export function byteRows(blocks: ByteBlocks, [rows, columns]: readonly [number, number]): ByteRows {
  return {
    run(x, y) {
      const { data, scales } = blocks
      for (let row = 0, at = 0; row < rows; row++) {
        let sum = 0
        for (let start = 0; start < columns; start += BLOCK) {
          let part = 0
          for (let i = 0; i < BLOCK; i++) part += data[at + i] * x[start + i]
          sum += scales[at / BLOCK] * part
          at += BLOCK
        }
        y[row] = sum
      }
    },
    dispose() {},
  }
}
