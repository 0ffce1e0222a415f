import { csr, tensor } from '@nnz/core'
import { describe, expect, it } from 'vitest'
import { noEmulator, openDevice } from '../emulator.ts'
import { numbers } from '../numbers.ts'

describe.skipIf(noEmulator)('spmm_csr on the device', () => {
  const shapes = [1, 2, 31, 33, 70].flatMap((rows) => [1, 2, 3, 4, 64, 130, 260].map((columns) => [rows, columns]))
  it.each(shapes)('%i rows, %i columns', async (rows, columns) => {
    const device = openDevice()
    const inner = 45
    const dense = numbers(rows * inner, rows).map((x, i) => ((i * 7919) % 10 < 6 ? 0 : x))
    const w = csr.fromDense(dense, [rows, inner])
    const x = numbers(inner * columns, 3)
    const bias = numbers(rows, 5)
    const order = Uint32Array.from(Array.from({ length: rows }, (_, row) => row).reverse())
    const y = device.allocate(4 * rows * columns)
    device.launch('spmm_csr', {
      rowOrder: device.upload(order),
      rowOffsets: device.upload(w.rowOffsets),
      columnIndices: device.upload(w.columnIndices),
      values: device.upload(w.values as Float32Array),
      x: device.upload(x),
      bias: device.upload(bias),
      residual: undefined,
      y,
      rows,
      columns,
      xStride: columns,
      yStride: columns,
      activation: 1,
      type: 0,
    })
    const result = tensor(new Float32Array(await device.read(y)), [rows, columns])
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        let sum = bias[row]
        for (let k = 0; k < inner; k++) sum += dense[row * inner + k] * x[k * columns + column]
        expect(result.data[row * columns + column]).toBeCloseTo(Math.max(0, sum), 4)
      }
  })
})
