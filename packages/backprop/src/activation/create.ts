import { type Backend, isWasm, type Runner } from '@nnz/core'
import { slopesJs } from './js.ts'
import type { SlopeArguments, SlopeProblem } from './types.ts'
import { slopesWasm } from './wasm.ts'

/** The runner of a backend. */
export function createSlopes(problem: SlopeProblem, backend: Backend): Runner<SlopeArguments> {
  return isWasm(backend) ? slopesWasm(problem, backend) : slopesJs(problem)
}
