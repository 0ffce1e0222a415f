import { expectFlag } from './values.ts'

/** A pattern that may leave out what lies after a query. Query i of n stands at key i + (columns - n), as in `attention`. */
export interface CausalOption {
  /** Default: true. */
  causal?: boolean | undefined
}

/** Cuts the end of a range of keys to what a query at a position may see. */
export type Limit = (position: number, end: number) => number

/** Checks the option and returns the limit. */
export function expectLimit(causal: unknown, name: string): Limit {
  return expectFlag(causal, `${name}: causal`) ? (position, end) => Math.min(position + 1, end) : (_, end) => end
}
