import type { CompactValues } from '../compact/values.ts'
import type { ElementType } from './safetensors.ts'

/** A layout record: a tag, a shape, values, and arrays and numbers of its own. */
export interface Storable {
  readonly layout: string
  readonly shape: readonly [rows: number, columns: number]
  readonly values: Float32Array | CompactValues
}

/** Version of what `save` writes about layouts. */
export const FORMAT_VERSION = 1

/** Key of the file's metadata that holds a {@link Contents} as JSON. */
export const CONTENTS_KEY = 'nnz'

/** Element types of compact values in files. */
export const COMPACT_TYPES = { f16: 'F16', bf16: 'BF16', i8: 'I8' } as const

/** A field of a layout's record that is not an array of elements. */
export type Attribute = number | string | boolean | readonly number[]

/** What a file says about one layout; its arrays are the tensors `<name>.<field>`. */
export interface Description {
  readonly layout: string
  readonly shape: readonly [number, number]
  /** The record's other fields that are not arrays of elements: block shapes, counts. */
  readonly attributes: Readonly<Record<string, Attribute>>
  /** Fields that are tensors, with the type that they have in the record: whole numbers may be stored in a smaller one. */
  readonly arrays: Readonly<Record<string, ElementType>>
  /** The field that is stored as gaps. */
  readonly gaps?: string | undefined
  /** Columns that share a scale, for i8 values. */
  readonly groupColumns?: number | undefined
}

/** The layouts of a file. */
export interface Contents {
  readonly version: number
  readonly layouts: Readonly<Record<string, Description>>
}
