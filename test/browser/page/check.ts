import {
  type Backend,
  configure,
  gemm,
  js,
  type QuantiseOptions,
  runsOn,
  tensor,
  type WasmChoice,
  wasm,
  wasmFeatures,
} from '@nnz/core'
import { kernels } from '@nnz/spmm'
import { blockCases, optionCases, patternCases, sizeCases } from '../../conformance/support/spmm-cases.ts'
import { prepare, type SpmmCase, sweep } from '../../conformance/support/spmm-run.ts'

/** What the test asks of a page or a worker. */
export interface Settings {
  wasm: WasmChoice
  threads: number
  /** Start the pool's workers from this page's own copy of `@nnz/core/worker`. */
  ownWorkerScript?: boolean
}

/** What it gets back. */
export interface Findings {
  features: { simd: boolean; relaxed: boolean; threads: boolean }
  backend: { name: string; variant: string; threads: number }
  /** Cases that each row of the table of kernels passed. */
  rows: Record<string, number>
  failures: string[]
}

/** Every `step`-th case: a browser need not repeat what Node has swept. */
function sample<T>(cases: readonly T[], step: number): T[] {
  return cases.filter((_, i) => i % step === 0)
}

const COMPACT: readonly QuantiseOptions[] = [{ type: 'f16' }, { type: 'bf16' }, { type: 'i8' }]

/**
 * Cases with compact values; more of those for one column, which rows of their own run. Activations are finite: with i8
 * weights one that is not spoils its column.
 */
function compact(values: QuantiseOptions): SpmmCase[] {
  const cases = [...sizeCases(), ...optionCases(), ...blockCases()].filter(
    ({ w, n, x }) => w.shape[0] * w.shape[1] * n < 60_000 && (x?.every(Number.isFinite) ?? true),
  )
  const one = cases.filter(({ n }) => n === 1)
  return [...sample(one, 2), ...sample(cases, 8)].map((given) => ({ ...given, values }))
}

function checkDense(backend: Backend): string | undefined {
  const [m, k, n] = [37, 53, 29]
  const a = Float32Array.from({ length: m * k }, (_, i) => ((i * 7) % 11) - 5)
  const b = Float32Array.from({ length: k * n }, (_, i) => ((i * 5) % 13) - 6)
  const y = gemm(tensor(a, [m, k]), tensor(b, [k, n]), { backend }).data
  for (let row = 0; row < m; row++) {
    for (let column = 0; column < n; column++) {
      let sum = 0
      for (let i = 0; i < k; i++) sum += a[row * k + i] * b[i * n + column]
      if (y[row * n + column] !== sum) return `gemm[${row}, ${column}] is ${y[row * n + column]}, expected ${sum}`
    }
  }
  return undefined
}

/** Runs the conformance sample on one backend of this realm. */
export async function check(settings: Settings, workerUrl: string): Promise<Findings> {
  configure({ wasm: settings.wasm, ...(settings.ownWorkerScript ? { workerUrl } : {}) })
  const backend =
    settings.wasm === 'off' ? js : settings.threads > 1 ? await wasm.threads(settings.threads) : wasm.open()
  const cases = [
    ...sample(sizeCases(), 4),
    ...patternCases(),
    ...sample(optionCases(), 3),
    ...sample(blockCases(), 3),
    ...COMPACT.flatMap((values) => compact(values)),
  ].map(prepare)
  const rows: Record<string, number> = {}
  const failures: string[] = []
  for (const row of kernels.filter((kernel) => runsOn(kernel, backend))) {
    try {
      rows[row.name] = sweep(row, cases, backend)
    } catch (error) {
      failures.push((error as Error).message)
    }
  }
  const dense = checkDense(backend)
  if (dense !== undefined) failures.push(dense)
  const { name, variant, threads } = backend
  return { features: { ...wasmFeatures() }, backend: { name, variant, threads }, rows, failures }
}
