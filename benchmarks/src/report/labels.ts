import type { BenchProblem, BenchRecord, Contender, Environment } from '../records/schema.ts'

/** The same label for the same contender in every workload; settings and dtype only where they are not the usual ones. */
export function contenderLabel({ name, dtype, threads, settings }: Contender, cache: BenchRecord['cache']): string {
  const parts = [
    dtype === 'f32' || name.includes(dtype) ? '' : dtype,
    threads === 1 ? '' : `${threads} threads`,
    cache === 'cold' ? 'cold' : '',
    ...Object.entries(settings).map(([key, value]) => `${key}=${value}`),
  ].filter((part) => part !== '')
  return parts.length === 0 ? name : `${name} (${parts.join(', ')})`
}

/** Where a contender runs: our own kernels of a platform and others' are compared in one headline. */
export function platformOf(contenderClass: string): string {
  return contenderClass.replace(/^nnz-/, '')
}

/** `3072x768`, or for a problem without a matrix what it states. */
export function shapeLabel(problem: BenchProblem): string {
  if (problem.m !== undefined && problem.k !== undefined) return `${problem.m}x${problem.k}`
  const numbers = Object.entries(problem).filter(
    ([key, value]) => typeof value === 'number' && key !== 'sparsity' && key !== 'n' && key !== 'nnz',
  )
  return numbers.map(([key, value]) => `${key} ${value}`).join(', ')
}

/** `csr`, `bsr 8x4`. */
export function layoutLabel({ layout, blockShape }: BenchProblem): string {
  return [layout, blockShape?.join('x')].filter((part) => part !== undefined).join(' ')
}

/** What two records share that differ in sparsity alone: the line that a crossover is read from. */
export function seriesKey({ workload, problem }: BenchRecord): string {
  const { sparsity: _sparsity, nnz: _nnz, ...rest } = problem
  return JSON.stringify([workload.model, workload.layer, workload.phase, workload.pattern, Object.entries(rest).sort()])
}

/** Where records were measured: the machine and, unless it is Node.js, the runtime. Times of two places are never mixed. */
export function placeName({ machine, runtime }: Pick<Environment, 'machine' | 'runtime'>): string {
  return runtime.name === 'node' ? machine : `${machine}, ${runtime.name}`
}

/** One line about a machine. */
export function machineLine({ cpu, memory, os, runtime, wasm }: Environment): string {
  const cores = cpu.logicalCores === null ? null : `${cpu.logicalCores} logical cores`
  const gib = memory === null ? null : `${Math.round(memory / 2 ** 30)} GiB`
  const system = [os.name ?? os.platform, os.version].filter((part) => part !== null).join(' ')
  const simd = wasm.relaxed ? 'relaxed SIMD' : wasm.simd ? 'SIMD' : 'no SIMD'
  const parts = [
    cpu.model,
    cores,
    gib,
    `${system} ${os.arch}`,
    `${runtime.name} ${runtime.version}`,
    `WASM with ${simd}`,
  ]
  return parts.filter((part) => part !== null).join(', ')
}
