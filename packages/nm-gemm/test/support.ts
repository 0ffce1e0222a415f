import {
  type Backend,
  type Csr,
  csr,
  isWasm,
  js,
  nm,
  nmg,
  quantiseColumns,
  type Tensor,
  type TensorHost,
  tensor,
  wasm,
} from '@nnz/core'
import { deviation, type Expectation, expectation } from '../../../test/conformance/support/expectation.ts'
import { Guarded, type View } from '../../../test/conformance/support/guarded.ts'
import { Random } from '../../../test/conformance/support/random.ts'
import {
  type Activation,
  type AnyNmWeights,
  type NmKernel,
  type NmOperation,
  type NmProblem,
  type NmWeights,
  nmProblem,
  outputRows,
  productShape,
  type QuantiseOptions,
} from '../src/index.ts'

/** The backend that this process tests: WASM where the host has it, on as many threads as configured. */
export async function testedBackends(): Promise<Backend[]> {
  const threads = Number(process.env.NNZ_THREADS || 1)
  return [await wasm.threads(threads), ...(repeated ? [] : [js])]
}

/** Whether this process tests a variant beside the default one: core's dense kernels are not repeated there. */
export const repeated = Boolean(process.env.NNZ_WASM || process.env.NNZ_THREADS)

export interface Shape {
  readonly shape: readonly [number, number]
  readonly n: number
  readonly m: number
  /** Undefined for nm. */
  readonly g?: number
}

/** Weights at random, drawn so that columns are kept at random. */
export function weightsOf({ shape, n, m, g }: Shape, random: Random): NmWeights {
  const dense = Float32Array.from({ length: shape[0] * shape[1] }, () => random.value())
  return g === undefined ? nm.fromDense(dense, shape, { n, m }) : nmg.fromDense(dense, shape, { n, m, g })
}

/** N:M along rows and columns: shifted diagonals of whole blocks. */
export function transposableWeights(shape: readonly [number, number], n: number, m: number, random: Random): NmWeights {
  const [rows, columns] = shape
  const mask = Uint8Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns]
    const shift = (Math.floor(row / m) * 7 + Math.floor(column / m) * 3) % m
    return Number((row + column + shift) % m < n)
  })
  const dense = Float32Array.from(mask, (kept) => (kept ? random.value() : 0))
  return nm.fromMasked(dense, mask, shape, { n, m })
}

export interface Case {
  readonly name: string
  readonly operation: NmOperation
  readonly w: AnyNmWeights
  readonly n: number
  /** Columns that the plan is made for; default n. */
  readonly columns?: number
  readonly activation?: Activation
  readonly bias?: boolean
  /** `in place`: the residual is the output's old content. */
  readonly residual?: 'separate' | 'in place' | undefined
  readonly x?: Float32Array
  readonly views?: readonly [View, View, View]
  /** Operands in the backend's memory instead of the JS heap. */
  readonly resident?: boolean
  /** Pack other values first, and replace them by those of w. */
  readonly updated?: boolean
}

/** A case with its operands and what must come out: shared by all rows of the table. */
export interface Prepared {
  readonly given: Case
  readonly problem: NmProblem
  readonly x: Float32Array
  readonly bias: Float32Array | undefined
  readonly residual: Float32Array | undefined
  readonly expected: Expectation
  readonly finite: boolean
}

/** The matrix that multiplies. */
export function matrixOf(operation: NmOperation, w: AnyNmWeights): Csr {
  const entries = w.layout === 'nm' ? nm.toCsr(nm.toFloat32(w)) : nmg.toCsr(nmg.toFloat32(w))
  return operation === 'nmGemmTransposed' ? csr.transpose(entries) : entries
}

/** Activations as kernels for i8 weights see them. */
function rounded(x: Float32Array, k: number, n: number): Tensor {
  const { data, scales, zeros } = quantiseColumns(tensor(x, [k, n]))
  return tensor(
    Float32Array.from(data, (q, i) => scales[i % n] * (q - zeros[i % n])),
    [k, n],
  )
}

export function prepare(given: Case): Prepared {
  const { operation, w, n, activation = 'none' } = given
  const [m, k] = productShape(operation, w)
  const random = new Random(n + m + 7 * k)
  const draw = (length: number) => Float32Array.from({ length }, () => random.value())
  const x = given.x ?? draw(k * n)
  const bias = given.bias ? draw(m) : undefined
  const problem = nmProblem(operation, w, given.columns ?? n, activation)
  const shape = [outputRows({ m, activation }), n]
  const residual = given.residual ? draw(shape[0] * n) : undefined
  const added = residual && tensor(residual, shape)
  const seen = problem.valueType === 'i8' ? rounded(x, k, n) : tensor(x, [k, n])
  const expected = expectation(matrixOf(operation, w), seen, activation, bias, added)
  return { given, problem, x, bias, residual, expected, finite: x.every(Number.isFinite) }
}

/** Whether a row has to get a case right. A dense row multiplies implicit zeros too: it is equivalent for finite x only. */
export function applies(row: NmKernel, { problem, finite }: Prepared): boolean {
  return row.supports(problem) === true && (finite || !row.dense)
}

function widened(w: AnyNmWeights): NmWeights {
  return w.layout === 'nm' ? nm.toFloat32(w) : nmg.toFloat32(w)
}

/** The pattern alone: every value is NaN, or in compact types some other number. */
function withOtherValues(w: AnyNmWeights): AnyNmWeights {
  const values = w.values
  if (values instanceof Float32Array) {
    const nan = new Float32Array(w.nnz).fill(Number.NaN)
    return w.layout === 'nm' ? nm({ ...w, values: nan }) : nmg({ ...w, values: nan })
  }
  const other = widened(w).values.map((value) => 3 - 2 * value)
  const options: QuantiseOptions =
    values.type === 'i8' ? { type: 'i8', scales: { columns: values.groupColumns } } : { type: values.type }
  return w.layout === 'nm'
    ? nm.quantise(nm({ ...w, values: other }), options)
    : nmg.quantise(nmg({ ...w, values: other }), options)
}

/** Runs a case on one row; returns what is wrong, or undefined, and the result. */
export function runCase(
  row: NmKernel,
  prepared: Prepared,
  backend: Backend,
): { wrong: string | undefined; y: Float32Array } {
  const { given, problem, expected } = prepared
  const natural: View = problem.orientation === 'tokens' ? 'columns' : 'rows'
  const [xView, outView, residualView] = given.views ?? [natural, natural, natural]
  const host: TensorHost | undefined = given.resident && isWasm(backend) ? backend : undefined
  const packing = row.pack(given.updated ? withOtherValues(given.w) : given.w, problem, backend)
  if (given.updated) packing.updateValues(widened(given.w).values)
  const shape = [outputRows(problem), given.n] as const
  const x = new Guarded([problem.k, given.n], xView, host)
  const out = new Guarded(shape, outView, host)
  const residual = prepared.residual && (given.residual === 'in place' ? out : new Guarded(shape, residualView, host))
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
export function sweep(row: NmKernel, cases: readonly Prepared[], backend: Backend): number {
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
  if (failures.length > 0)
    throw new Error(`${row.name}: ${failures.length} of ${count} cases failed\n  ${failures.slice(0, 10).join('\n  ')}`)
  return count
}
