import { nm } from '@nnz/core'
import { describe, expect, it } from 'vitest'
import { noEmulator, openDevice } from '../emulator.ts'
import { wholeNumbers } from '../numbers.ts'

const TYPES = { f16: 1, bf16: 2, i8: 3 } as const
type Type = keyof typeof TYPES

/** Small whole numbers in a storage type: products and sums are exact, whatever their order. */
function stored(values: Float32Array, type: Type): ArrayBufferView {
  if (type === 'f16') return new Float16Array(values)
  if (type === 'i8') return Int8Array.from(values)
  return Uint16Array.from(new Uint32Array(values.buffer, values.byteOffset, values.length), (bits) => bits >>> 16)
}

/** A matrix in a larger one of zeros. */
function padded(values: Float32Array, [rows, columns]: number[], [height, width]: number[]): Float32Array {
  const result = new Float32Array(height * width)
  for (let row = 0; row < rows; row++) result.set(values.subarray(row * columns, (row + 1) * columns), row * width)
  return result
}

const up = (x: number, unit: number) => Math.ceil(x / unit) * unit

interface Case {
  type: Type
  sparse: boolean
  tokenMajor: boolean
  shape: readonly [rows: number, inner: number, columns: number]
}

/** W x in whole numbers, on the device and by plain loops. */
async function products({ type, sparse, tokenMajor, shape: [rows, inner, columns] }: Case, device = openDevice()) {
  const [height, width] = [up(rows, 16), up(inner, 32)]
  const dense = wholeNumbers(rows * inner, rows + inner)
  if (sparse)
    for (let i = 0; i < dense.length; i++) if ([0, 3].includes(((i % inner) + Math.floor(i / inner)) % 4)) dense[i] = 0
  const full = padded(dense, [rows, inner], [height, width])
  const parts = sparse ? nm.toTensorCore(nm.fromDense(full, [height, width], { n: 2, m: 4 })) : undefined
  const x = wholeNumbers(inner * columns, 7)
  const bias = wholeNumbers(rows, 9)
  const y = device.allocate(4 * rows * columns)
  device.launch('gemm', {
    weights: device.upload(stored(parts?.values ?? full, type)),
    metadata: parts && device.upload(parts.metadata),
    x: device.upload(stored(x, type)),
    bias: device.upload(bias),
    residual: undefined,
    y,
    scales: undefined,
    rows,
    inner,
    columns,
    paddedRows: height,
    paddedInner: width,
    xStride: tokenMajor ? inner : columns,
    yStride: tokenMajor ? rows : columns,
    tokenMajor: Number(tokenMajor),
    activation: 0,
    type: TYPES[type],
    output: 0,
  })
  const got = new Float32Array(await device.read(y))
  const expected = new Float32Array(rows * columns)
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      let sum = bias[row]
      for (let k = 0; k < inner; k++)
        sum += dense[row * inner + k] * x[tokenMajor ? column * inner + k : k * columns + column]
      expected[tokenMajor ? column * rows + row : row * columns + column] = sum
    }
  return { got, expected }
}

describe.skipIf(noEmulator)('tensor-core products on the device', () => {
  const shapes = [
    [1, 1, 1],
    [17, 70, 9],
    [128, 64, 128],
    [130, 200, 136],
    [40, 256, 24],
  ] as const
  const cases = (['f16', 'bf16', 'i8'] as const).flatMap((type) =>
    [false, true].flatMap((sparse) =>
      (type === 'i8' ? [true] : [false, true]).flatMap((tokenMajor) =>
        shapes.map((shape): Case => ({ type, sparse, tokenMajor, shape })),
      ),
    ),
  )
  it.each(cases)('$type, sparse: $sparse, token-major: $tokenMajor, $shape', async (given) => {
    const { got, expected } = await products(given)
    expect(got).toEqual(expected)
  })
})
