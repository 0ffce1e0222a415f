import type { WasmBackend } from '@nnz/core'
import { type Bsr, type Csr, type Tensor, tensor, zeros } from '@nnz/core'
import { Random } from '../../../../test/conformance/support/random.ts'
import { bsrWeights, csrWeights, PATTERNS, type Pattern } from '../../../../test/conformance/support/weights.ts'

export { Random }

/** How an operand lies in memory. */
export type View = 'rows' | 'columns' | 'padded' | 'offset' | 'resident'

/** A random matrix, stored as `view` says. */
export function matrix(shape: readonly [number, number], random: Random, view: View, backend?: WasmBackend): Tensor {
  const [rows, columns] = shape
  const count = rows * columns
  const fill = (data: Float32Array) => {
    for (let i = 0; i < data.length; i++) data[i] = random.value()
    return data
  }
  switch (view) {
    case 'columns':
      return tensor(fill(new Float32Array(count)), shape, { strides: [1, rows] })
    case 'padded':
      return tensor(fill(new Float32Array(rows * (columns + 3))), shape, { strides: [columns + 3, 1] })
    case 'offset':
      return tensor(fill(new Float32Array(count + 5)).subarray(5), shape)
    case 'resident': {
      const result = backend ? zeros(shape, { backend }) : zeros(shape)
      fill(result.data)
      return result
    }
    default:
      return tensor(fill(new Float32Array(count)), shape)
  }
}

/** A pattern, what is summed over, and how the operands lie. */
export interface SampledCase {
  readonly name: string
  readonly w: Csr | Bsr
  readonly n: number
  readonly view: View
}

const VIEWS: readonly View[] = ['rows', 'columns', 'padded', 'offset', 'resident']

/**
 * Sizes around every boundary of the kernels (vectors of 4, fours of entries, panels of 8 and chunks of 32 vectors, windows,
 * K blocks), every pattern, and blocks of odd shapes; views change from case to case.
 */
export function sampledCases(): SampledCase[] {
  const cases: SampledCase[] = []
  const add = (w: Csr | Bsr, n: number, what: string) => {
    const view = VIEWS[cases.length % VIEWS.length]
    cases.push({ name: `${w.layout} ${what} [${w.shape.join(', ')}], N=${n}, ${view}`, w, n, view })
  }
  const random = new Random(7)
  for (const n of [0, 1, 2, 3, 4, 5, 7, 8, 12, 16, 20, 24, 28, 31, 32, 33, 36, 64, 67, 128, 132, 140, 260])
    add(csrWeights([19, 23], 'random', 0.4, random), n, 'random')
  for (const [m, k] of [
    [0, 5],
    [5, 0],
    [1, 1],
    [2, 3],
    [15, 16],
    [17, 97],
    [33, 193],
    [130, 385],
    [257, 41],
    [40, 1601],
  ] as const)
    add(csrWeights([m, k], 'random', 0.15, random), 20, 'random')
  for (const pattern of PATTERNS) {
    add(csrWeights([37, 43], pattern, 0.3, random), 36, pattern)
    add(bsrWeights([37, 43], [4, 8], pattern as Pattern, 0.3, random), 36, pattern)
  }
  for (const block of [
    [1, 1],
    [2, 4],
    [3, 5],
    [4, 1],
    [1, 4],
    [16, 16],
    [8, 3],
    [32, 32],
    [40, 50],
  ] as const)
    for (const n of [1, 6, 32, 132]) add(bsrWeights([37, 43], block, 'random', 0.4, random), n, `${block.join('x')}`)
  for (const [m, k] of [
    [0, 5],
    [5, 0],
    [1, 1],
    [64, 64],
    [65, 63],
  ] as const)
    add(bsrWeights([m, k], [4, 4], 'random', 0.5, random), 9, 'random')
  return cases
}

/** Unit roundoff of f32. */
export const U = 2 ** -24

/** The first number that is further off than its bound, in words. */
export function deviation(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  bound: (i: number) => number,
): string | undefined {
  if (got.length !== want.length) return `${got.length} numbers, expected ${want.length}`
  for (let i = 0; i < want.length; i++) {
    const same = Object.is(got[i], want[i]) || got[i] === want[i] || (Number.isNaN(got[i]) && Number.isNaN(want[i]))
    if (!same && !(Math.abs(got[i] - want[i]) <= bound(i)))
      return `[${i}]: got ${got[i]}, expected ${want[i]} ± ${bound(i)}`
  }
  return undefined
}
