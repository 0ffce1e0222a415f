import { readFile } from 'node:fs/promises'
import { type CostModel, js, type KernelCost, runsOn, tensor, wasm, wasmSupport, zeros } from '@nnz/core'
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
}

/** Milliseconds that each kernel runs on each problem. */
const SAMPLING = 12
/** Problems that would take longer than this for one run are left out of the fit of a slow kernel. */
const MOST_FLOPS = { js: 4e7, wasm: 1e9 }

/** Measures every kernel of this host, fits its costs, and adds them to the file; or prints what the packages ship. */
export async function tune({ out, typescript }: TuneOptions): Promise<void> {
  const known = await readCosts(out)
  if (typescript) {
    console.log(modulesOf(known))
    return
  }
  const backend = wasmSupport() === true ? wasm.open() : js
  const rows = kernels.filter((kernel) => runsOn(kernel, backend) || kernel.backend === 'js')
  const bar = process.stdout.isTTY
    ? new SingleBar({ format: '{bar} {value}/{total} {name} | {eta_formatted} left', hideCursor: true })
    : undefined
  bar?.start(rows.length, 0, { name: '' })
  const costs: Record<string, KernelCost> = { ...known }
  const lines: string[] = []
  for (const [done, kernel] of rows.entries()) {
    bar?.update(done, { name: kernel.name })
    const { cost, line } = measureKernel(kernel)
    costs[kernel.name] = cost
    lines.push(line)
  }
  bar?.stop()
  await writeFileAtomic(out, `${JSON.stringify({ costs }, null, 2)}\n`)
  console.log(lines.join('\n'))
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

function measureKernel(kernel: SpmmKernel): { cost: KernelCost; line: string } {
  const runs: Observation[] = []
  const packs: Observation[] = []
  const layout = kernel.name.includes('_bsr_') ? 'bsr' : 'csr'
  const most = kernel.backend === 'js' ? MOST_FLOPS.js : MOST_FLOPS.wasm
  for (const given of tuneProblems(layout)) {
    const operation = (['spmm', 'linear'] as const).find(
      (name) => kernel.supports(spmmProblem(name, given.weights, given.n, 'none')) === true,
    )
    const work = 2 * given.n * (kernel.dense ? given.weights.shape[0] * given.weights.shape[1] : given.weights.nnz)
    if (operation === undefined || work > most) continue
    const problem = spmmProblem(operation, given.weights, given.n, 'none')
    const { packing, run } = timeKernel(kernel, operation, given)
    runs.push({ features: kernel.runFeatures(problem), nanoseconds: run })
    packs.push({ features: kernel.packFeatures(problem), nanoseconds: packing })
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

/** Nanoseconds of packing and of a run: medians. */
function timeKernel(
  kernel: SpmmKernel,
  operation: 'spmm' | 'linear',
  { weights, n }: TuneProblem,
): { packing: number; run: number } {
  const backend = kernel.backend === 'js' ? js : wasm.open()
  const [m, k] = weights.shape
  const place = (shape: [number, number]) =>
    kernel.backend === 'js'
      ? tensor(new Float32Array(shape[0] * shape[1]), shape)
      : zeros(shape, { backend: wasm.open() })
  const make = () => (operation === 'spmm' ? spmm : linear).plan(weights, { columns: n, backend, kernel: kernel.name })
  const packing = medianTime(3, () => make().dispose())
  const plan = make()
  const x = place(operation === 'spmm' ? [k, n] : [n, k])
  const y = place(operation === 'spmm' ? [m, n] : [n, m])
  x.data.fill(1)
  const runOnce = () => plan.run(x, { out: y })
  for (const end = performance.now() + SAMPLING; performance.now() < end; ) runOnce()
  const run = medianTime(SAMPLING, runOnce)
  plan.dispose()
  for (const matrix of [x, y]) if ('dispose' in matrix) (matrix as { dispose(): void }).dispose()
  return { packing, run }
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
