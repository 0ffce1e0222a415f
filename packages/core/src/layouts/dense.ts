import { type AnyValues, type Compact, compactFunctions, toValues } from '../compact/layout.ts'
import { scaleGroups } from '../compact/values.ts'
import { describe, typeError } from '../errors.ts'
import * as checks from './checks.ts'

/** A dense matrix that is stored like a sparse one: all elements, row-major. */
export interface Dense {
  readonly layout: 'dense'
  readonly shape: readonly [rows: number, columns: number]
  readonly values: Float32Array
  /** Rows times columns. */
  readonly nnz: number
}

/** A {@link Dense} whose values are stored in a compact type. */
export type CompactDense = Compact<Dense>

/** The parts of a {@link Dense}. */
export interface DenseParts {
  shape: readonly number[]
  values: ArrayLike<number>
}

function create(parts: Compact<DenseParts>): CompactDense
function create(parts: DenseParts): Dense
function create(parts: AnyValues<DenseParts>): Dense | CompactDense {
  if (typeof parts !== 'object' || parts === null)
    throw typeError('NNZ_TYPE', `dense: expected an object, got ${describe(parts)}`)
  const shape = checks.expectShape(parts.shape, 'dense')
  const record = {
    layout: 'dense' as const,
    shape,
    values: toValues(parts.values, shape, 'dense: values'),
    nnz: parts.values.length,
  }
  validate(record as Dense | CompactDense)
  checks.checked.add(record)
  return Object.freeze(record) as Dense | CompactDense
}

function validate(w: Dense | CompactDense): void {
  const [rows, columns] = checks.expectShape(w.shape, 'dense')
  checks.checkLength(w.values, rows * columns, 'dense: values')
}

function scaleIndices(w: Dense | CompactDense, groupColumns: number): Uint32Array {
  const [rows, columns] = w.shape
  const groups = scaleGroups(columns, groupColumns)
  const indices = new Uint32Array(w.nnz)
  for (let row = 0, i = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, i++) indices[i] = row * groups + Math.floor(column / groupColumns)
  }
  return indices
}

/**
 * Dense weights to be quantised or saved: `dense({ shape, values })` wraps a Float32Array without a copy, row-major;
 * `dense.quantise`, `dense.toFloat32` and `dense.compactCost` are those of {@link csr}.
 */
export const dense = Object.assign(create, {
  validate,
  ...compactFunctions<Dense>('dense', create as (parts: AnyValues<DenseParts>) => Dense | CompactDense, scaleIndices),
})
