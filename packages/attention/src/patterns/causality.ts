import { expectMaskShape, type MaskShape } from '../mask/block-mask.ts'
import { expectFlag } from './values.ts'

/** A pattern that may leave out what lies after a query. Query i of n stands at key i + (columns - n), as in `attention`. */
export interface CausalOption {
  /** Default: true. */
  causal?: boolean | undefined
}

/** Cuts the end of a range of keys to what a query at a position may see. */
export type Limit = (position: number, end: number) => number

/** Checks the size of a pattern and the option, and returns the limit. */
export function expectLimit(options: MaskShape & CausalOption, byDefault: boolean, name: string): Limit {
  expectMaskShape(options, name)
  return expectFlag(options.causal ?? byDefault, `${name}: causal`)
    ? (position, end) => Math.min(position + 1, end)
    : (_, end) => end
}
