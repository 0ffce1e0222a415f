import {
  type Csr,
  describe,
  ensureChecked,
  expectMatrix,
  expectOutput,
  isCompact,
  overlaps,
  rangeError,
  type Tensor,
  tensor,
  typeError,
  zeros,
} from '@nnz/core'
import type { SparseWeights } from '@nnz/spmm'
import type { Needs } from './backward/options.ts'

export { expectOptions } from '@nnz/core'

/** An option that holds others: an object, or nothing for no options. */
export function expectPart<T extends object>(value: T | undefined, name: string): Partial<T> {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value))
    throw typeError('NNZ_TYPE', `${name}: expected an object, got ${describe(value)}`)
  return value
}

/** An option that is true or false. */
export function expectFlag(value: boolean | undefined, fallback: boolean, name: string): boolean {
  if (value === undefined) return fallback
  if (typeof value !== 'boolean') throw typeError('NNZ_TYPE', `${name}: expected true or false, got ${describe(value)}`)
  return value
}

/** Which gradients a backward pass is for. */
export function expectNeeds(value: Needs | undefined, name: string): Readonly<Record<keyof Needs, boolean>> {
  const { dx, dValues, dBias } = expectPart(value, `${name}: needs`)
  return {
    dx: expectFlag(dx, true, `${name}: needs.dx`),
    dValues: expectFlag(dValues, true, `${name}: needs.dValues`),
    dBias: expectFlag(dBias, false, `${name}: needs.dBias`),
  }
}

/** Whether a run adds to outputs, of which none may be missing then. */
export function expectAccumulate(
  value: boolean | undefined,
  outputs: Readonly<Record<string, Float32Array | undefined>>,
  name: string,
): boolean {
  const adds = expectFlag(value, false, `${name}: accumulate`)
  const missing = Object.keys(outputs).find((key) => outputs[key] === undefined)
  if (adds && missing !== undefined)
    throw rangeError('NNZ_VALUE', `${name}: accumulate adds to ${missing}, which is not given`)
  return adds
}

/** Checks the name of a row of a table of kernels. */
export function expectKernel(value: unknown, table: readonly { readonly name: string }[], name: string): void {
  if (value !== undefined && !table.some((row) => row.name === value))
    throw rangeError('NNZ_BACKEND', `${name}: expected the name of a row of the table, got ${describe(value)}`)
}

/** Checks the most columns of a plan. */
export function expectColumns(columns: unknown, name: string): void {
  if (typeof columns !== 'number' || !Number.isInteger(columns) || columns < 0)
    throw rangeError('NNZ_VALUE', `${name}: expected columns to be a whole number >= 0, got ${describe(columns)}`)
}

/** Checks that a value is a csr or bsr layout with f32 values: gradients have no compact form. */
export function expectLayout(value: unknown, name: string): SparseWeights {
  const layout = typeof value === 'object' && value !== null && 'layout' in value ? value.layout : undefined
  if (layout === 'csr' || layout === 'bsr') {
    if (!isCompact(value as SparseWeights)) return ensureChecked(value as SparseWeights)
    throw typeError('NNZ_TYPE', `${name}: expected f32 values, got compact ones`)
  }
  const swapped = typeof value === 'object' && value !== null && 'dtype' in value ? ' (are the arguments swapped?)' : ''
  throw typeError('NNZ_TYPE', `${name}: expected a csr or bsr layout, got ${describe(value)}${swapped}`)
}

/** Checks that a value is a csr layout. */
export function expectCsr(value: unknown, name: string): Csr {
  const w = expectLayout(value, name)
  if (w.layout !== 'csr') throw typeError('NNZ_TYPE', `${name}: expected a csr layout, got ${describe(value)}`)
  return w
}

/** Checks that a value is a matrix [rows, columns]; an undefined extent may be anything. */
export function expectShaped(value: unknown, [rows, columns]: readonly (number | undefined)[], name: string): Tensor {
  const matrix = expectMatrix(value, name)
  if ((rows !== undefined && matrix.shape[0] !== rows) || (columns !== undefined && matrix.shape[1] !== columns)) {
    throw rangeError(
      'NNZ_SHAPE',
      `${name} is [${matrix.shape.join(', ')}], expected [${rows ?? 'any'}, ${columns ?? 'any'}]`,
    )
  }
  return matrix
}

/** The tensor that a caller gave for a result, or a new one on the JS heap. */
export function outputTensor(value: Tensor | undefined, shape: readonly number[], name: string): Tensor {
  if (value === undefined) return zeros(shape)
  expectShaped(value, shape, name)
  return expectOutput(value, name)
}

/** The array that a caller gave for gradients or scores, or a new one. */
export function outputValues(value: Float32Array | undefined, length: number, name: string): Float32Array {
  if (value === undefined) return new Float32Array(length)
  if (!(value instanceof Float32Array))
    throw typeError('NNZ_TYPE', `${name}: expected a Float32Array, got ${describe(value)}`)
  if (value.length !== length)
    throw rangeError('NNZ_SHAPE', `${name}: has ${value.length} elements, expected ${length}`)
  return value
}

/** Operands by the names that callers know them by. */
export type Operands = Readonly<Record<string, Tensor | Float32Array | undefined>>

function asTensor(operand: Tensor | Float32Array): Tensor {
  return operand instanceof Float32Array ? tensor(operand, [operand.length]) : operand
}

/** Throws if an output shares memory with one of the named operands. */
export function expectApart(output: Tensor | Float32Array, name: string, operands: Operands): void {
  for (const [operand, value] of Object.entries(operands)) {
    if (value && overlaps(asTensor(output), asTensor(value)))
      throw rangeError('NNZ_VALUE', `${name} overlaps ${operand}`)
  }
}

/** Throws if one of several outputs shares memory with an input or with another output. */
export function expectAllApart(outputs: Operands, inputs: Operands, name: string): void {
  const others: Record<string, Tensor | Float32Array | undefined> = { ...inputs }
  for (const [key, output] of Object.entries(outputs)) {
    if (output) expectApart(output, `${name}: ${key}`, others)
    others[key] = output
  }
}

/** Throws unless a new pattern has the shape and the layout of the old one. */
export function expectSameShape(before: SparseWeights, next: SparseWeights, name: string): void {
  const words = (w: SparseWeights) =>
    `${w.layout} [${w.shape.join(', ')}]${w.layout === 'bsr' ? ` in blocks of ${w.blockShape.join('x')}` : ''}`
  if (words(before) !== words(next))
    throw rangeError('NNZ_SHAPE', `${name}: updatePattern got ${words(next)}, expected ${words(before)}`)
}
