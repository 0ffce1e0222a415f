/** Writes little-endian values one after the other. */
export class Writer {
  readonly parts: Uint8Array[] = []
  length = 0

  bytes(...values: number[]): this {
    this.parts.push(Uint8Array.from(values))
    this.length += values.length
    return this
  }

  u32(value: number): this {
    return this.bytes(...new Uint8Array(Uint32Array.of(value).buffer))
  }

  u64(value: number | bigint): this {
    return this.bytes(...new Uint8Array(BigUint64Array.of(BigInt(value)).buffer))
  }

  text(value: string): this {
    const encoded = new TextEncoder().encode(value)
    return this.u64(encoded.length).bytes(...encoded)
  }
}

/** A tensor of a {@link gguf} file. `shape` is row-major; `offset` replaces the place after the tensor before. */
export interface FixtureTensor {
  name: string
  type: number
  shape: readonly number[]
  data: Uint8Array
  offset?: number
}

/** A GGUF file of version 3 with texts, numbers and lists of texts as metadata. */
export function gguf(
  metadata: Record<string, string | number | readonly string[]>,
  tensors: readonly FixtureTensor[],
): Uint8Array {
  const writer = new Writer().u32(0x46554747).u32(3).u64(tensors.length).u64(Object.keys(metadata).length)
  for (const [key, value] of Object.entries(metadata)) {
    writer.text(key)
    if (typeof value === 'string') writer.u32(8).text(value)
    else if (typeof value === 'number') writer.u32(6).bytes(...new Uint8Array(Float32Array.of(value).buffer))
    else {
      writer.u32(9).u32(8).u64(value.length)
      for (const text of value) writer.text(text)
    }
  }
  let end = 0
  for (const { name, type, shape, data, offset = end } of tensors) {
    writer.text(name).u32(shape.length)
    for (const extent of shape.toReversed()) writer.u64(extent)
    writer.u32(type).u64(offset)
    end = Math.ceil((offset + data.length) / 32) * 32
  }
  const pad = () => writer.bytes(...new Uint8Array(-writer.length & 31))
  for (const { data } of tensors) {
    pad()
    writer.bytes(...data)
  }
  if (tensors.length === 0) pad()
  return Uint8Array.from(writer.parts.flatMap((part) => [...part]))
}

const half = (bits: number): number[] => [bits & 255, bits >> 8]

/** One tensor of each type that is read. */
export function everyType(): Uint8Array {
  const bytes = Array.from({ length: 32 }, (_, i) => i - 16)
  const pairs = Array.from({ length: 16 }, (_, i) => i | ((15 - i) << 4))
  return gguf({ 'general.architecture': 'llama', 'llama.rope.freq_base': 1e4, 'tokens.list': ['a', 'Ġb'] }, [
    { name: 'plain', type: 0, shape: [2, 3], data: new Uint8Array(Float32Array.of(1, -2, 3, 4, 5, 6).buffer) },
    { name: 'half', type: 1, shape: [3], data: Uint8Array.of(...half(0x3c00), ...half(0xc000), ...half(0x0001)) },
    { name: 'q4_0', type: 2, shape: [1, 32], data: Uint8Array.of(...half(0x4000), ...pairs) },
    { name: 'q4_1', type: 3, shape: [1, 32], data: Uint8Array.of(...half(0x3800), ...half(0xbc00), ...pairs) },
    { name: 'q8_0', type: 8, shape: [32], data: Uint8Array.of(...half(0x3800), ...bytes) },
  ])
}
