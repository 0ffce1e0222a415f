import type { Backend, Runner } from '@nnz/core'
import { slopesJs } from './js.ts'
import type { SlopeArguments, SlopeProblem } from './types.ts'

/** The runner of a backend. */
export function createSlopes(problem: SlopeProblem, _backend: Backend): Runner<SlopeArguments> {
  return slopesJs(problem)
}
