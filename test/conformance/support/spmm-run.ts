import {
  type Backend,
  bsr,
  csr,
  isWasm,
  type QuantiseOptions,
  quantiseColumns,
  type TensorHost,
  tensor,
} from '@nnz/core'
import {
  type Activation,
  type AnyWeights,
  outputRows,
  type SparseWeights,
  type SpmmKernel,
  type SpmmProblem,
  spmmProblem,
} from '@nnz/spmm'
import { deviation, type Expectation, expectation } from './expectation.ts'
import { Guarded, type View } from './guarded.ts'
import { Random } from './random.ts'

/** One problem of the sweep. */
export interface SpmmCase {
  readonly name: string
  readonly operation?: 'spmm' | 'linear'
  readonly w: SparseWeights
  /** How the values of w are stored; default f32. */
  readonly values?: QuantiseOptions
  readonly n: number
  /** Columns that the plan is made for; default n. */
  readonly columns?: number
  readonly activation?: Activation
  readonly bias?: boolean
  /** `in place`: the residual is the output's old content. */
  readonly residual?: 'separate' | 'in place'
  /** Elements of x, row-major; default random. */
  readonly x?: Float32Array
  readonly xView?: View
  readonly outView?: View
  readonly residualView?: View
  /** Operands in the backend's memory instead of the JS heap. */
  readonly resident?: boolean
  /** Pack other values first, and replace them by those of w. */
  readonly updated?: boolean
  readonly seed?: number
}

/** A case with its operands and what must come out: shared by all rows of the table. */
export interface Prepared {
  readonly given: SpmmCase
  /** w as it is packed: its values in their type. */
  readonly stored: AnyWeights
  readonly x: Float32Array
  readonly bias: Float32Array | undefined
  readonly residual: Float32Array | undefined
  readonly expected: Expectation
  readonly shape: readonly [number, number]
  readonly finite: boolean
}

/** Weights with their values in a compact type, and the f32 values that these stand for. */
function store(w: SparseWeights, values: QuantiseOptions | undefined): { stored: AnyWeights; exact: SparseWeights } {
  if (values === undefined) return { stored: w, exact: w }
  if (w.layout === 'csr') {
    const stored = csr.quantise(w, values)
    return { stored, exact: csr.toFloat32(stored) }
  }
  const stored = bsr.quantise(w, values)
  return { stored, exact: bsr.toFloat32(stored) }
}

/** Activations as kernels for i8 weights see them. Whole numbers times a scale: off by less than the bounds allow for sums. */
function sevenBits(x: Float32Array, n: number): Float32Array {
  const { data, scales, zeros } = quantiseColumns(tensor(x, [x.length / Math.max(1, n), n]))
  return Float32Array.from(data, (q, i) => scales[i % n] * (q - zeros[i % n]))
}

export function prepare(given: SpmmCase): Prepared {
  const { w, n, activation = 'none' } = given
  const { stored, exact } = store(w, given.values)
  const [m, k] = w.shape
  const random = new Random(given.seed ?? 1)
  const draw = (length: number) => Float32Array.from({ length }, () => random.value())
  const x = given.x ?? draw(k * n)
  const bias = given.bias ? draw(m) : undefined
  const shape = [outputRows({ m, activation }), n] as const
  const residual = given.residual ? draw(shape[0] * n) : undefined
  const seen = given.values?.type === 'i8' && n > 0 ? sevenBits(x, n) : x
  const expected = expectation(exact, tensor(seen, [k, n]), activation, bias, residual && tensor(residual, shape))
  return { given, stored, x, bias, residual, expected, shape, finite: x.every(Number.isFinite) }
}

function problemOf({ given, stored }: Prepared): SpmmProblem {
  const { operation = 'spmm', n, columns = n, activation = 'none' } = given
  return spmmProblem(operation, stored, columns, activation)
}

/** Whether a row has to get a case right. A dense row multiplies implicit zeros too: it is equivalent for finite x only. */
export function applies(row: SpmmKernel, prepared: Prepared): boolean {
  return row.supports(problemOf(prepared)) === true && (prepared.finite || !row.dense)
}

/** The pattern with other values: NaN, or ones where that cannot be stored. */
function otherValues(w: SparseWeights, type: QuantiseOptions | undefined): AnyWeights {
  const values = new Float32Array(w.values.length).fill(type === undefined ? Number.NaN : 1)
  return store(w.layout === 'csr' ? csr({ ...w, values }) : bsr({ ...w, values }), type).stored
}

/** Runs a prepared case on one row; returns what is wrong, or undefined. */
export function runCase(
  row: SpmmKernel,
  prepared: Prepared,
  backend: Backend,
): { wrong: string | undefined; y: Float32Array } {
  const { given, shape, expected } = prepared
  const natural: View = given.operation === 'linear' ? 'columns' : 'rows'
  const problem = problemOf(prepared)
  const host: TensorHost | undefined = given.resident && isWasm(backend) ? backend : undefined
  const packing = row.pack(given.updated ? otherValues(given.w, given.values) : prepared.stored, problem, backend)
  if (given.updated) packing.updateValues(given.w.values)
  const x = new Guarded([given.w.shape[1], given.n], given.xView ?? natural, host)
  const out = new Guarded(shape, given.outView ?? natural, host)
  const inPlace = given.residual === 'in place'
  const residual = prepared.residual && (inPlace ? out : new Guarded(shape, given.residualView ?? natural, host))
  try {
    const runner = row.plan(problem, packing, backend)
    const run = () => runner.run({ x: x.matrix, y: out.matrix, bias: prepared.bias, residual: residual?.matrix })
    // First with NaN everywhere: what a run leaves behind in panels and workspace must not reach the next one.
    if (residual) residual.write(prepared.residual!)
    run()
    x.write(prepared.x)
    out.poison()
    if (residual) residual.write(prepared.residual!)
    run()
    const y = out.read()
    return { wrong: out.damage() ?? deviation(y, expected, given.n), y }
  } finally {
    packing.dispose()
    for (const matrix of [x, out, residual]) if (matrix && matrix !== out) matrix.dispose()
    out.dispose()
  }
}

/** Runs the cases on one row; throws with every failure (at most ten), and returns how many cases the row supports. */
export function sweep(row: SpmmKernel, cases: readonly Prepared[], backend: Backend): number {
  const failures: string[] = []
  let count = 0
  for (const prepared of cases) {
    if (!applies(row, prepared)) continue
    count++
    let wrong: string | undefined
    try {
      wrong = runCase(row, prepared, backend).wrong
    } catch (error) {
      wrong = String(error instanceof Error ? error.stack : error)
    }
    if (wrong !== undefined) failures.push(`${prepared.given.name}: ${wrong}`)
  }
  if (failures.length > 0) {
    throw new Error(`${row.name}: ${failures.length} of ${count} cases failed\n  ${failures.slice(0, 10).join('\n  ')}`)
  }
  return count
}
