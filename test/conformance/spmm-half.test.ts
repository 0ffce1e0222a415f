import type { Backend } from '@nnz/core'
import { kernels, type SpmmKernel } from '@nnz/spmm'
import { beforeAll, describe, expect, it } from 'vitest'
import { blockCases, optionCases, patternCases, sizeCases, updateCases, viewCases } from './support/spmm-cases.ts'
import { applies, type Prepared, prepare, type SpmmCase, sweep } from './support/spmm-run.ts'
import { claimed, lacking, openBackend, rowsOf } from './support/variant.ts'

// Values are rounded to their type first, and arithmetic is f32: the bounds are those of f32 rows. Rows that widen while
// packing differ from those by a conversion: few cases are enough for them.
const backend: Backend | undefined = lacking() === undefined ? await openBackend() : undefined
const rows = (backend ? rowsOf(kernels, backend) : [])
  .filter(({ types }) => types.weights === 'half')
  .map((row) => [row.name, row] as const)

/** Some of the cases, small ones, and of those for one column more: rows of their own run them. */
function some(step: number, cases: SpmmCase[]): SpmmCase[] {
  const small = cases.filter(({ w, n }) => w.shape[0] * w.shape[1] * Math.max(1, n) < 60_000)
  return small
    .filter(({ n }, i) => i % (n <= 1 ? 2 : step) === 0)
    .map((given, i) => ({ ...given, type: i % 2 === 0 ? 'bf16' : 'f16', name: `${given.name} ${i % 2}` }))
}

describe.runIf(backend)(`spmm of f16 and bf16 on ${claimed}`, () => {
  it('has rows to test', () => expect(rows).not.toEqual([]))

  describe.each<[string, () => SpmmCase[]]>([
    ['sizes', () => some(12, sizeCases())],
    ['patterns', () => some(5, patternCases())],
    ['views and residency', () => some(15, viewCases())],
    ['operations, activations, bias, residual, fewer columns than planned', () => some(12, optionCases())],
    ['blocks', () => some(15, blockCases())],
    ['updated values', () => some(3, updateCases())],
  ])('%s', (_, makeCases) => {
    let cases: Prepared[] = []
    beforeAll(() => {
      cases = makeCases().map(prepare)
    })

    it.each(rows)('%s', (_name, row: SpmmKernel) => {
      sweep(row, cases, backend!)
    })

    it('leaves no problem without a row', () => {
      const orphans = cases.filter((prepared) => !rows.some(([, row]) => applies(row, prepared)))
      expect(orphans.map(({ given }) => given.name)).toEqual([])
    })
  })
})
