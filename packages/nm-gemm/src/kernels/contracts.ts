import type { NmProblem } from '../problem.ts'

/** What rows of the table can be for: a layout, multiplied as it is or transposed. */
export interface Contract {
  readonly operation: 'nmGemm' | 'nmGemmTransposed'
  readonly layout: 'nm' | 'nmg'
  /** What stands in front of `__` in names of rows. */
  readonly contract: string
  /** What stands in front of formats: a packing of the transposed matrix is another one. */
  readonly formatPrefix: string
}

export const CONTRACTS: readonly Contract[] = (['nmGemm', 'nmGemmTransposed'] as const).flatMap((operation) =>
  (['nm', 'nmg'] as const).map((layout) => ({
    operation,
    layout,
    contract: `${operation}_${layout}_f32`,
    formatPrefix: operation === 'nmGemm' ? '' : 'transposed-',
  })),
)

/** Whether a row with a contract is for a problem; a string says why not. */
export function supportsContract(problem: NmProblem, { operation, layout }: Contract): true | string {
  if (problem.layout !== layout) return `is for ${layout} weights, these are ${problem.layout}`
  if ((problem.operation === 'nmGemmTransposed') === (operation === 'nmGemmTransposed')) return true
  return operation === 'nmGemm' ? 'is for w as it is, not transposed' : 'is for w transposed'
}
