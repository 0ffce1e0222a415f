import { isCompactValues } from '../compact/values.ts'
import { describe, rangeError, typeError } from '../errors.ts'
import { checked } from '../layouts/checks.ts'
import { isTensor, type Tensor } from '../tensor.ts'
import { encodeGaps, gapBytes } from './gaps.ts'
import { STORED_LAYOUTS, type StoredLayout } from './layouts.ts'
import { ARRAY_TYPES, type ElementType, type WrittenTensor, writeSafetensors } from './safetensors.ts'
import {
  type Attribute,
  COMPACT_TYPES,
  CONTENTS_KEY,
  type Contents,
  type Description,
  FORMAT_VERSION,
  type Storable,
} from './storable.ts'

/** Options of {@link save}. */
export interface SaveOptions {
  /** Texts to be kept in the file beside the weights. */
  metadata?: Readonly<Record<string, string>> | undefined
  /** Layouts of other packages, beside those of core. */
  layouts?: readonly StoredLayout[] | undefined
}

type Elements = ArrayBufferView & ArrayLike<number>

function typeOf(name: string, data: Elements): ElementType {
  for (const [dtype, type] of Object.entries(ARRAY_TYPES)) if (data instanceof type) return dtype as ElementType
  throw typeError('NNZ_TYPE', `save: ${name}: expected an array of a type that files have, got ${describe(data)}`)
}

/** One array as a tensor, whole numbers in half as many bytes where they fit. */
function arrayTensor(name: string, data: Elements): WrittenTensor {
  if (data instanceof Uint32Array && data.every((value) => value <= 0xffff))
    return { name, dtype: 'U16', shape: [data.length], data: Uint16Array.from(data) }
  return { name, dtype: typeOf(name, data), shape: [data.length], data }
}

function valueTensors(name: string, values: Storable['values']): WrittenTensor[] {
  if (!isCompactValues(values)) return [arrayTensor(`${name}.values`, values)]
  const { type, data } = values
  const tensor = { name: `${name}.values`, dtype: COMPACT_TYPES[type], shape: [data.length], data }
  return values.type === 'i8' ? [tensor, arrayTensor(`${name}.scales`, values.scales)] : [tensor]
}

/** Rising indices as gaps, if that is smaller. */
function gapTensor(tensor: WrittenTensor, offsets: Uint32Array, indices: Uint32Array): WrittenTensor | undefined {
  const bytes = gapBytes(offsets, indices, tensor.data.byteLength - 1)
  if (bytes === undefined) return undefined
  return { name: tensor.name, dtype: 'U8', shape: [bytes], data: encodeGaps(offsets, indices, bytes) }
}

function storeLayout(name: string, w: Storable, { rising }: StoredLayout): [WrittenTensor[], Description] {
  const tensors = valueTensors(name, w.values)
  const attributes: Record<string, Attribute> = {}
  const arrays: Record<string, ElementType> = {}
  const fields: Record<string, unknown> = { ...w }
  let gaps: string | undefined
  for (const [field, value] of Object.entries(fields)) {
    if (['layout', 'shape', 'values', 'nnz'].includes(field)) continue
    if (!ArrayBuffer.isView(value)) {
      attributes[field] = value as Attribute
      continue
    }
    const tensor = arrayTensor(`${name}.${field}`, value as Elements)
    const coded =
      field === rising?.indices
        ? gapTensor(tensor, fields[rising.offsets] as Uint32Array, value as Uint32Array)
        : undefined
    if (coded) gaps = field
    arrays[field] = typeOf(field, value as Elements)
    tensors.push(coded ?? tensor)
  }
  const groupColumns = isCompactValues(w.values) && w.values.type === 'i8' ? w.values.groupColumns : undefined
  return [tensors, { layout: w.layout, shape: w.shape, attributes, arrays, gaps, groupColumns }]
}

/** A tensor of f32, row-major without gaps. */
function plainTensor(name: string, { data, shape, strides }: Tensor): WrittenTensor {
  const result = new Float32Array(shape.reduce((product, extent) => product * extent, 1))
  const index = new Array<number>(shape.length).fill(0)
  for (let i = 0; i < result.length; i++) {
    result[i] = data[index.reduce((sum, at, axis) => sum + at * strides[axis], 0)]
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0
  }
  return { name, dtype: 'F32', shape, data: result }
}

/**
 * Weights as the bytes of one safetensors file: sparse layouts and dense ones, with f32 or compact values, and tensors
 * (biases, dense layers) beside them, which any reader of the format finds under their names.
 *
 * Indices take as few bytes as they need: two for each that is below 65536, or one where the gaps between them are mostly
 * smaller than 255.
 *
 * @param weights by name
 * @throws TypeError if something is neither a layout nor a tensor
 * @throws RangeError if two arrays would have one name (as `a.values` of a layout `a` and a tensor `a.values`)
 */
export function save(
  weights: Readonly<Record<string, Storable | Tensor>> | Iterable<readonly [string, Storable | Tensor]>,
  options: SaveOptions = {},
): Uint8Array<ArrayBuffer> {
  if (typeof weights !== 'object' || weights === null)
    throw typeError('NNZ_TYPE', `save: expected weights by name, got ${describe(weights)}`)
  const entries = Symbol.iterator in weights ? [...weights] : Object.entries(weights)
  const known = [...STORED_LAYOUTS, ...(options.layouts ?? [])]
  const tensors: WrittenTensor[] = []
  const layouts: [string, Description][] = []
  for (const [name, w] of entries) {
    if (name === '__metadata__')
      throw rangeError('NNZ_VALUE', 'save: the name "__metadata__" belongs to the file format')
    if (isTensor(w)) {
      tensors.push(plainTensor(name, w))
      continue
    }
    const layout = known.find(({ layout: tag }) => tag === (w as Storable | undefined)?.layout)
    if (!layout)
      throw typeError('NNZ_TYPE', `save: ${JSON.stringify(name)}: expected a layout or a tensor, got ${describe(w)}`)
    const [arrays, description] = storeLayout(name, checked.has(w) ? w : layout.create(w as never), layout)
    tensors.push(...arrays)
    layouts.push([name, description])
  }
  const { metadata = {} } = options
  if (CONTENTS_KEY in metadata)
    throw rangeError('NNZ_VALUE', `save: the metadata key ${JSON.stringify(CONTENTS_KEY)} is taken`)
  const text = Object.entries(metadata).find(([, value]) => typeof value !== 'string')
  if (text)
    throw typeError(
      'NNZ_TYPE',
      `save: metadata ${JSON.stringify(text[0])}: expected a string, got ${describe(text[1])}`,
    )
  const contents: Contents = { version: FORMAT_VERSION, layouts: Object.fromEntries(layouts) }
  return writeSafetensors(tensors, { ...metadata, [CONTENTS_KEY]: JSON.stringify(contents) })
}
