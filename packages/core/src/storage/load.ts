import { fromBf16Bits, fromF16Bits } from '../compact/half.ts'
import type { CompactValues } from '../compact/values.ts'
import { describe, typeError } from '../errors.ts'
import { type Tensor, tensor } from '../tensor.ts'
import { expectContents } from './contents.ts'
import { FileFormatError } from './file-error.ts'
import { decodeGaps } from './gaps.ts'
import { STORED_LAYOUTS, type StoredLayout } from './layouts.ts'
import { ARRAY_TYPES, type ElementType, type FileTensor, parseSafetensors } from './safetensors.ts'
import { COMPACT_TYPES, CONTENTS_KEY, type Description, type Storable } from './storable.ts'

/** Options of {@link load}. */
export interface LoadOptions {
  /** Name of the file, for errors. */
  file?: string | undefined
  /** Layouts of other packages, beside those of core. */
  layouts?: readonly StoredLayout[] | undefined
  /**
   * Rows and columns that a layout may have at most, or as many as the file has bytes: 2^24 by default. Few entries may claim
   * any shape, and conversions, transposes and products make arrays of that size.
   */
  largestExtent?: number | undefined
}

const LARGEST_EXTENT = 2 ** 24

/** What a file holds. */
export interface LoadedFile {
  /** Layouts, and tensors of f32, by name. */
  readonly weights: Map<string, Storable | Tensor>
  /** The texts that `save` was given. */
  readonly metadata: Map<string, string>
}

type Elements = InstanceType<(typeof ARRAY_TYPES)[ElementType]>

/** The elements of a tensor where they lie, or copied where they are not aligned to their size. */
function elements<T extends Elements>(
  { bytes }: FileTensor,
  type: { new (buffer: ArrayBufferLike, offset: number, length: number): T; BYTES_PER_ELEMENT: number },
): T {
  const size = type.BYTES_PER_ELEMENT
  const { buffer, byteOffset } = bytes.byteOffset % size === 0 ? bytes : bytes.slice()
  return new type(buffer, byteOffset, bytes.length / size)
}

/** Any tensor of floating point numbers, in f32. */
function plainTensor(found: FileTensor, file: string): Tensor {
  const { dtype, shape, name, offset } = found
  if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16')
    throw new FileFormatError(file, offset, `tensor ${JSON.stringify(name)}: expected F32, F16 or BF16, got ${dtype}`)
  const values =
    dtype === 'F32'
      ? elements(found, Float32Array)
      : Float32Array.from(elements(found, Uint16Array), dtype === 'F16' ? fromF16Bits : fromBf16Bits)
  try {
    return tensor(values, shape)
  } catch (error) {
    throw new FileFormatError(file, offset, `${JSON.stringify(name)}: ${(error as Error).message}`)
  }
}

/** Reads the layouts of one file. */
class LayoutReader {
  readonly #tensors: Map<string, FileTensor>
  readonly #file: string
  readonly #layouts: readonly StoredLayout[]
  readonly #largestExtent: number

  /** @param tensors those that a layout takes are removed */
  constructor(tensors: Map<string, FileTensor>, file: string, layouts: readonly StoredLayout[], largestExtent: number) {
    this.#tensors = tensors
    this.#file = file
    this.#layouts = layouts
    this.#largestExtent = largestExtent
  }

  read(name: string, description: Description): Storable {
    const { layout: tag, shape, attributes, arrays } = description
    const layout = this.#layouts.find((known) => known.layout === tag)
    if (!layout) throw this.#wrong(name, `layout ${JSON.stringify(tag)} is unknown here`)
    const taken = new Map<string, FileTensor>()
    const take = (field: string): FileTensor => {
      const tensorName = `${name}.${field}`
      const found = this.#tensors.get(tensorName)
      if (!found) throw this.#wrong(name, `there is no tensor ${JSON.stringify(tensorName)}`)
      this.#tensors.delete(tensorName)
      taken.set(field, found)
      return found
    }
    const parts: Record<string, unknown> = {
      ...attributes,
      layout: tag,
      shape,
      values: this.#values(description, take),
    }
    for (const field of Object.keys(arrays)) {
      const found = take(field)
      parts[field] = field === description.gaps ? found : this.#array(found, arrays[field])
    }
    if (description.gaps !== undefined) {
      const offsets = layout.rising && parts[layout.rising.offsets]
      const gaps = taken.get(description.gaps)
      if (!(offsets instanceof Uint32Array) || !gaps || layout.rising?.indices !== description.gaps)
        throw this.#wrong(name, `${description.gaps} of a ${tag} is not stored as gaps`)
      parts[description.gaps] = this.#indices(offsets, gaps)
    }
    let created: Storable
    try {
      created = layout.create(parts as never)
    } catch (error) {
      const { message } = error as Error
      const [, culprit] = [...taken].find(([field]) => message.includes(field)) ?? [...taken][0]
      throw new FileFormatError(this.#file, culprit.offset, `${JSON.stringify(name)}: ${message}`)
    }
    if (shape.every((extent) => extent <= this.#largestExtent)) return created
    throw this.#wrong(
      name,
      `[${shape.join(', ')}] is larger than ${this.#largestExtent}: the option largestExtent allows more`,
    )
  }

  #wrong(name: string, message: string): RangeError {
    return new FileFormatError(this.#file, 8, `${JSON.stringify(name)}: ${message}`)
  }

  #values({ groupColumns }: Description, take: (field: string) => FileTensor): Float32Array | CompactValues {
    const found = take('values')
    const type = Object.entries(COMPACT_TYPES).find(([, dtype]) => dtype === found.dtype)?.[0]
    if (type === undefined) return this.#array(found, 'F32') as Float32Array
    const data = elements<Elements>(found, type === 'i8' ? Int8Array : Uint16Array)
    const scales = type === 'i8' ? { scales: this.#array(take('scales'), 'F32'), groupColumns } : {}
    return { type, data, length: data.length, ...scales } as CompactValues
  }

  /** The elements in the type that they have in the record; whole numbers may be stored in half as many bytes. */
  #array(found: FileTensor, wanted: ElementType): Elements {
    if (found.dtype === wanted) return elements<Elements>(found, ARRAY_TYPES[wanted])
    if (wanted === 'U32' && found.dtype === 'U16') return Uint32Array.from(elements(found, Uint16Array))
    throw new FileFormatError(
      this.#file,
      found.offset,
      `tensor ${JSON.stringify(found.name)}: expected ${wanted}, got ${found.dtype}`,
    )
  }

  #indices(offsets: Uint32Array, gaps: FileTensor): Uint32Array {
    const { bytes, name, offset } = gaps
    const rising = offsets.length > 0 && offsets[0] === 0 && offsets.every((at, i) => i === 0 || at >= offsets[i - 1])
    const indices = rising && offsets[offsets.length - 1] <= bytes.length ? decodeGaps(offsets, bytes) : undefined
    if (!indices || gaps.dtype !== 'U8')
      throw new FileFormatError(this.#file, offset, `tensor ${JSON.stringify(name)}: its gaps do not fit the offsets`)
    return indices
  }
}

/**
 * Reads what {@link save} wrote. Of other safetensors files it reads the tensors of F32, F16 and BF16, in f32.
 *
 * The file is not trusted: everything that it says is checked before anything of the size that it says is allocated. Arrays
 * that need no conversion are views of `bytes`.
 *
 * @throws TypeError if `bytes` is not a Uint8Array
 * @throws RangeError (`NNZ_FILE`), with the file's name and the byte, if it is damaged or of another version
 */
export function load(bytes: Uint8Array, options: LoadOptions = {}): LoadedFile {
  if (!(bytes instanceof Uint8Array)) throw typeError('NNZ_TYPE', `load: expected a Uint8Array, got ${describe(bytes)}`)
  const { file = 'file', layouts = [], largestExtent = LARGEST_EXTENT } = options
  const { tensors, metadata } = parseSafetensors(bytes, file)
  const contents = expectContents(metadata.get(CONTENTS_KEY), file)
  metadata.delete(CONTENTS_KEY)
  const reader = new LayoutReader(tensors, file, [...STORED_LAYOUTS, ...layouts], Math.max(largestExtent, bytes.length))
  const weights = new Map<string, Storable | Tensor>()
  for (const [name, description] of Object.entries(contents.layouts)) weights.set(name, reader.read(name, description))
  for (const [name, found] of tensors) {
    if (weights.has(name))
      throw new FileFormatError(file, found.offset, `${JSON.stringify(name)} is both a layout and a tensor`)
    weights.set(name, plainTensor(found, file))
  }
  return { weights, metadata }
}
