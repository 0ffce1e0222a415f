import { readFile } from 'node:fs/promises'
import {
  type BackendTensor,
  type CostModel,
  js,
  type KernelCost,
  runsOn,
  tensor,
  wasm,
  wasmSupport,
  zeros,
} from '@nnz/core'
import { kernels, linear, type SpmmKernel, spmm, spmmProblem } from '@nnz/spmm'
import { SingleBar } from 'cli-progress'
import writeFileAtomic from 'write-file-atomic'
import { fitCosts, type Observation } from '../tune/fit.ts'
import { type TuneProblem, tuneProblems } from '../tune/problems.ts'
import { modulesOf } from '../tune/typescript.ts'

/** Options of `nnz-bench tune`. */
export interface TuneOptions {
  readonly out: string
  readonly typescript: boolean
  /** Only kernels whose name contains one of these texts. */
  readonly kernels?: readonly string[] | undefined
  /** Measure only every so many-th problem: a rough fit in seconds. */
  readonly every: number
}

/** Milliseconds that each kernel runs on each problem. */
const SAMPLING = 12
/** Problems that would take longer than this for one run are left out of the fit of a slow kernel. */
const MOST_FLOPS = { js: 4e7, wasm: 1e9 }

/** Measures every kernel of this host, fits its costs, and adds them to the file; or prints what the packages ship. */
export async function tune({ out, typescript, kernels: texts, every }: TuneOptions): Promise<void> {
  const known = await readCosts(out)
  if (typescript) {
    console.log(modulesOf(known))
    return
  }
  const backend = wasmSupport() === true ? wasm.open() : js
  const rows = kernels
    .filter((kernel) => runsOn(kernel, backend) || kernel.backend === 'js')
    .filter(({ name }) => texts?.some((text) => name.includes(text)) ?? true)
  if (rows.length === 0) throw new RangeError('tune: no kernel of this host is left by --kernels (see nnz-bench list)')
  const bar = process.stdout.isTTY
    ? new SingleBar({ format: '{bar} {value}/{total} {name} | {eta_formatted} left', hideCursor: true })
    : undefined
  bar?.start(rows.length, 0, { name: '' })
  const costs: Record<string, KernelCost> = { ...known }
  const problems = { csr: chosen('csr', rows, every), bsr: chosen('bsr', rows, every) }
  const lines: string[] = []
  for (const [done, kernel] of rows.entries()) {
    bar?.update(done, { name: kernel.name })
    const { cost, line } = measureKernel(kernel, problems[layoutOf(kernel)])
    costs[kernel.name] = cost
    if (bar) lines.push(line)
    else console.log(line)
  }
  bar?.stop()
  await writeFileAtomic(out, `${JSON.stringify({ costs }, null, 2)}\n`)
  for (const line of lines) console.log(line)
  console.log(`wrote ${out}: give its "costs" to setCostModel(), and dispatch follows this machine`)
}

async function readCosts(path: string): Promise<CostModel> {
  try {
    return (JSON.parse(await readFile(path, 'utf8')) as { costs: CostModel }).costs
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}

function layoutOf({ name }: SpmmKernel): 'csr' | 'bsr' {
  return name.includes('_bsr_') ? 'bsr' : 'csr'
}

/** The problems of a layout, made once for all its kernels. */
function chosen(layout: 'csr' | 'bsr', rows: readonly SpmmKernel[], every: number): TuneProblem[] {
  if (!rows.some((kernel) => layoutOf(kernel) === layout)) return []
  return tuneProblems(layout).filter((_, i) => i % every === 0)
}

function measureKernel(kernel: SpmmKernel, problems: readonly TuneProblem[]): { cost: KernelCost; line: string } {
  const runs: Observation[] = []
  const packs: Observation[] = []
  const packed = new Set<object>()
  const most = kernel.backend === 'js' ? MOST_FLOPS.js : MOST_FLOPS.wasm
  for (const given of problems) {
    const operation = (['spmm', 'linear'] as const).find(
      (name) => kernel.supports(spmmProblem(name, given.weights, given.n, 'none')) === true,
    )
    const work = 2 * given.n * (kernel.dense ? given.weights.shape[0] * given.weights.shape[1] : given.weights.nnz)
    if (operation === undefined || work > most) continue
    const problem = spmmProblem(operation, given.weights, given.n, 'none')
    runs.push({ features: kernel.runFeatures(problem), nanoseconds: timeRun(kernel, operation, given) })
    // Packing does not depend on the number of columns.
    if (packed.has(given.weights)) continue
    packed.add(given.weights)
    packs.push({ features: kernel.packFeatures(problem), nanoseconds: timePacking(kernel, operation, given) })
  }
  if (runs.length === 0) return { cost: { run: [], pack: [] }, line: `${kernel.name}: no problem of the set` }
  const run = fitCosts(runs)
  const pack = fitCosts(packs)
  return {
    cost: { run: run.coefficients, pack: pack.coefficients },
    line: `${kernel.name}: ${runs.length} problems, median error ${percent(run.medianError)}, worst ${percent(run.worstError)}; packing ${percent(pack.medianError)}`,
  }
}

function percent(ratio: number): string {
  return `${((ratio - 1) * 100).toFixed(0)} %`
}

type Operation = 'spmm' | 'linear'

function makePlan(kernel: SpmmKernel, operation: Operation, { weights, n }: TuneProblem) {
  const backend = kernel.backend === 'js' ? js : wasm.open()
  return (operation === 'spmm' ? spmm : linear).plan(weights, { columns: n, backend, kernel: kernel.name })
}

/** Nanoseconds to plan. */
function timePacking(kernel: SpmmKernel, operation: Operation, given: TuneProblem): number {
  return medianTime(0, () => makePlan(kernel, operation, given).dispose())
}

/** Nanoseconds of a run. */
function timeRun(kernel: SpmmKernel, operation: Operation, given: TuneProblem): number {
  const [m, k] = given.weights.shape
  const place = (rows: number, columns: number) =>
    kernel.backend === 'js'
      ? tensor(new Float32Array(rows * columns), [rows, columns])
      : zeros([rows, columns], { backend: wasm.open() })
  const plan = makePlan(kernel, operation, given)
  const x = operation === 'spmm' ? place(k, given.n) : place(given.n, k)
  const y = operation === 'spmm' ? place(m, given.n) : place(given.n, m)
  x.data.fill(1)
  const runOnce = () => plan.run(x, { out: y })
  for (const end = performance.now() + SAMPLING; performance.now() < end; ) runOnce()
  const run = medianTime(SAMPLING, runOnce)
  plan.dispose()
  for (const matrix of [x, y]) if ('dispose' in matrix) (matrix as BackendTensor).dispose()
  return run
}

/** The median over at least three calls and about `milliseconds`. */
function medianTime(milliseconds: number, call: () => void): number {
  const times: number[] = []
  for (const end = performance.now() + milliseconds; times.length < 3 || performance.now() < end; ) {
    const start = process.hrtime.bigint()
    call()
    times.push(Number(process.hrtime.bigint() - start))
  }
  return times.sort((a, b) => a - b)[times.length >> 1]
}
