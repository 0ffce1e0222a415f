import { zipSync } from 'fflate'

/** The same 4 x 6 matrix, with an empty row, in every format. */
export const example = {
  shape: [4, 6] as const,
  rowOffsets: [0, 2, 2, 5, 6],
  columnIndices: [1, 4, 0, 2, 5, 3],
  values: [0.5, -2, 1, 3.25, -0.125, 8],
}

export const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

export const smtx = (): Uint8Array =>
  ascii(`4, 6, 6\n${example.rowOffsets.join(' ')}\n${example.columnIndices.join(' ')}\n`)

export const matrixMarket = (): Uint8Array =>
  ascii(`%%MatrixMarket matrix coordinate real general
% a comment

4 6 6
1 2 0.5
1 5 -2e0
3 1 1
4 4 8.
3 6 -.125
3 3 3.25
`)

export function npy(dtype: string, shape: readonly number[], data: ArrayBufferView, version = 1): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const header = ascii(`{'descr': '${dtype}', 'fortran_order': False, 'shape': ${tuple}, }\n`)
  const prefix = version === 1 ? 10 : 12
  const bytes = new Uint8Array(prefix + header.length + data.byteLength)
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0])
  const view = new DataView(bytes.buffer)
  if (version === 1) view.setUint16(8, header.length, true)
  else view.setUint32(8, header.length, true)
  bytes.set(header, prefix)
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), prefix + header.length)
  return bytes
}

export function npzParts(): Record<string, Uint8Array> {
  return {
    'format.npy': npy('|S3', [], ascii('csr')),
    'shape.npy': npy('<i8', [2], BigInt64Array.of(4n, 6n)),
    'indptr.npy': npy('<i4', [5], Int32Array.from(example.rowOffsets)),
    'indices.npy': npy('<i8', [6], BigInt64Array.from(example.columnIndices.map(BigInt)), 3),
    'data.npy': npy('<f8', [6], Float64Array.from(example.values), 2),
  }
}

export const npz = (parts = npzParts(), level: 0 | 6 = 6): Uint8Array => zipSync(parts, { level })

export function safetensors(header: object | string, data: Uint8Array): Uint8Array {
  const text = ascii(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + text.length + data.length)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true)
  bytes.set(text, 8)
  bytes.set(data, 8 + text.length)
  return bytes
}

export function threeTensors(): Uint8Array {
  const data = new Uint8Array(24 + 6 + 4)
  data.set(new Uint8Array(Float32Array.of(1, -2, 3, 4, 5, 6).buffer))
  data.set(new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x0001).buffer), 24)
  data.set(new Uint8Array(Uint16Array.of(0x3f80, 0xc120).buffer), 30)
  return safetensors(
    {
      __metadata__: { format: 'pt' },
      'b.half': { dtype: 'F16', shape: [3], data_offsets: [24, 30] },
      'a.weight': { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] },
      'c.brain': { dtype: 'BF16', shape: [1, 2], data_offsets: [30, 34] },
    },
    data,
  )
}
