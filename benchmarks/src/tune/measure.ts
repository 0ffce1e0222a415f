import { js, type KernelCost, type Problem, wasm } from '@nnz/core'
import type { TunableKernel, TuneCase } from './family.ts'
import { fitCosts, type Observation } from './fit.ts'

/** Milliseconds that each kernel runs on each problem. */
const SAMPLING = 12
/** Problems that would take longer than this for one run are left out of the fit of a slow kernel. */
const MOST_FLOPS = { js: 4e7, wasm: 1e9 }

/** Measures a kernel on its problems and fits its costs; `line` says how well they fit. */
export function measureKernel<P extends Problem>(
  kernel: TunableKernel<P>,
  cases: Iterable<TuneCase<P>>,
): { cost: KernelCost; line: string } {
  const backend = kernel.backend === 'js' ? js : wasm.open()
  const runs: Observation[] = []
  const packs: Observation[] = []
  const packed = new Set<object>()
  for (const given of cases) {
    if (given.flops > (kernel.backend === 'js' ? MOST_FLOPS.js : MOST_FLOPS.wasm)) continue
    const { problem } = given
    const plan = given.plan(backend)
    runs.push({ features: kernel.runFeatures(problem), nanoseconds: timeRun(plan.ready()) })
    plan.dispose()
    if (packed.has(given.packed)) continue
    packed.add(given.packed)
    const nanoseconds = medianTime(0, () => given.plan(backend).dispose())
    packs.push({ features: kernel.packFeatures(problem), nanoseconds })
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

function timeRun(run: () => void): number {
  for (const end = performance.now() + SAMPLING; performance.now() < end; ) run()
  return medianTime(SAMPLING, run)
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
