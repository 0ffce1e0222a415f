import type { BackendOption } from '../backends/resolve.ts'
import { describe, rangeError, typeError } from '../errors.ts'
import { isTensor, type Tensor, toFloat32 } from '../tensor.ts'
import type { Activation } from './activation.ts'

/** Options that fix what a plan computes. */
export interface OperationOptions {
  /** Where to run. Default: WASM where the host has it, else plain JS. */
  backend?: BackendOption | undefined
  /** One number for each row of w, added to each column. A plan copies it. */
  bias?: ArrayLike<number> | undefined
  /** Applied last. Default: `none`. */
  activation?: Activation | undefined
  /** Take this row of the table of kernels instead of the one predicted to be fastest. */
  kernel?: string | undefined
  /** Keep dense kernels out: with them an infinite or NaN activation meets implicit zeros, too. Default: false. */
  strictNonFinite?: boolean | undefined
}

/** Options of one run. */
export interface RunOptions {
  /** Written and returned, instead of a new tensor on the JS heap. */
  out?: Tensor | undefined
  /** Replaces the plan's bias for this run. */
  bias?: ArrayLike<number> | undefined
  /** A tensor of the output's shape, added before the activation (after gating for `swiglu`). */
  residual?: Tensor | undefined
}

/** Options of a direct call. */
export interface CallOptions extends OperationOptions, RunOptions {}

/** Options of a plan. */
export interface PlanOptions extends OperationOptions {
  /** The most columns (tokens, for token-major operations) that a run will have. */
  columns: number
  /** Bound on the bytes of all packings; throws RangeError if no kernel fits. */
  maxPackedBytes?: number | undefined
}

/** Checks that options are an object. */
export function expectOptions(options: unknown, name: string): void {
  if (typeof options !== 'object' || options === null)
    throw typeError('NNZ_TYPE', `${name}: expected options to be an object, got ${describe(options)}`)
}

/** Checks an option `bias` for a product with m rows. */
export function expectBias(
  bias: ArrayLike<number> | undefined,
  m: number,
  rows: string,
  name: string,
): Float32Array | undefined {
  if (bias === undefined || bias === null) return undefined
  const values = toFloat32(isTensor(bias) ? bias.data : bias, `${name}: bias`)
  if (values.length !== m)
    throw rangeError('NNZ_SHAPE', `${name}: bias has ${values.length} elements, expected ${m} (${rows})`)
  return values
}
