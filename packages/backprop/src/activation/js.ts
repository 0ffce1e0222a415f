import type { Runner } from '@nnz/core'
import { slope } from './slopes.ts'
import type { SlopeArguments, SlopeProblem } from './types.ts'

/** dz = dy · slope(z) and its row sums, in plain JavaScript. */
export function slopesJs({ activation }: SlopeProblem): Runner<SlopeArguments> {
  return {
    run({ dy, preActivation, dz, dBias }) {
      const [rows, columns] = dy.shape
      const from = dy.data
      const to = dz?.data
      const before = preActivation?.data
      for (let row = 0; row < rows; row++) {
        let sum = 0
        for (let column = 0; column < columns; column++) {
          let value = from[row * dy.strides[0] + column * dy.strides[1]]
          if (before)
            value *= slope(before[row * preActivation.strides[0] + column * preActivation.strides[1]], activation)
          sum += value
          if (to) to[row * dz.strides[0] + column * dz.strides[1]] = value
        }
        if (dBias) dBias[row] = sum
      }
    },
  }
}
