import { create, validate } from './block-mask.ts'
import { and, density, keptPairs, or, transpose } from './combine.ts'
import { fromDense, fromPredicate, toDense } from './from.ts'
import { svg } from './picture.ts'

/**
 * Which query-key pairs attention computes, in blocks. `blockMask(parts)` checks its parts once;
 * `fromDense`, `fromPredicate`, `toDense`, `and`, `or`, `transpose`, `density`, `keptPairs`, `validate` and `svg` are its
 * functions.
 *
 * @throws TypeError if a part is of the wrong kind
 * @throws RangeError if indices are out of range or out of order
 */
export const blockMask = Object.assign(create, {
  fromDense,
  fromPredicate,
  toDense,
  and,
  or,
  transpose,
  density,
  keptPairs,
  validate,
  svg,
})
