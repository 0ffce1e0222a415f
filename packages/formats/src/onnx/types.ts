/** Element types of `TensorProto.DataType` (github.com/onnx/onnx, `onnx.proto`), as safetensors call them, with their bytes. */
const TYPES: Readonly<Record<number, readonly [dtype: string, bytes: number]>> = {
  1: ['F32', 4],
  2: ['U8', 1],
  3: ['I8', 1],
  4: ['U16', 2],
  5: ['I16', 2],
  6: ['I32', 4],
  7: ['I64', 8],
  9: ['BOOL', 1],
  10: ['F16', 2],
  11: ['F64', 8],
  12: ['U32', 4],
  13: ['U64', 8],
  16: ['BF16', 2],
  17: ['F8_E4M3', 1],
  19: ['F8_E5M2', 1],
}

/** The name of a type; those of texts, complex numbers and parts of bytes are not read. */
export function elementType(number: number): string {
  return Object.hasOwn(TYPES, number) ? TYPES[number][0] : `ONNX ${number}`
}

/** Bytes of an element; undefined for types that are not read. */
export function elementBytes(dtype: string): number | undefined {
  return Object.values(TYPES).find(([name]) => name === dtype)?.[1]
}
