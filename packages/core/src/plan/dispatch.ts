import type { Backend } from '../backends/backend.ts'
import { rangeError } from '../errors.ts'
import { type CostModel, predict } from './cost-model.ts'
import { type Kernel, type Problem, runsOn } from './kernel.ts'

/** What dispatch weighs. */
export interface DispatchOptions {
  readonly costs: CostModel
  /** Runs that have to pay for the packing; Infinity leaves packing out. */
  readonly runs: number
  /** Take this kernel, or fail. */
  readonly kernel?: string | undefined
  /** Keep dense kernels out, because activations may be infinite or NaN. */
  readonly strictNonFinite?: boolean | undefined
  /** Formats packed already: choosing one of them again costs nothing. */
  readonly packed?: ReadonlySet<string> | undefined
}

/** A kernel that was considered: with its predicted time, or with the reason why it was left out. */
export interface Candidate<K> {
  readonly kernel: K
  readonly nanoseconds: number
  readonly reason: string | undefined
}

/** A sparse kernel must be predicted this much faster than the dense one: the model errs by about as much. */
const DENSE_MARGIN = 0.95

function compare(a: number, b: number): number {
  return a < b ? -1 : Number(a > b)
}

/** All kernels of a table for one problem, the usable ones first, by predicted time. */
export function rank<P extends Problem, W, A>(
  kernels: readonly Kernel<P, W, A>[],
  problem: P,
  backend: Backend,
  options: DispatchOptions,
): Candidate<Kernel<P, W, A>>[] {
  const candidates = kernels
    .filter((kernel) => options.kernel === undefined || kernel.name === options.kernel)
    .map((kernel) => {
      const supported = kernel.supports(problem)
      let reason = supported === true ? undefined : supported
      if (!runsOn(kernel, backend))
        reason = `needs ${kernel.backend} ${kernel.variant}, the backend is ${backend.name} ${backend.variant}`
      else if (kernel.dense && options.strictNonFinite) reason = 'dense, and strictNonFinite is set'
      const predicted = predict(kernel as Kernel<P, never, never>, problem, options.costs)
      const paid = options.packed?.has(kernel.format) || options.runs === Number.POSITIVE_INFINITY
      const packing = paid ? 0 : predicted.pack / options.runs
      return { kernel, nanoseconds: reason === undefined ? predicted.run + packing : Number.POSITIVE_INFINITY, reason }
    })
  const score = ({ kernel, nanoseconds }: Candidate<unknown> & { kernel: { dense: boolean } }) =>
    nanoseconds * (kernel.dense ? DENSE_MARGIN : 1)
  // A stable sort: kernels that the model does not know stay behind the known ones, in the order of the table.
  return candidates.sort(
    (a, b) => Number(a.reason !== undefined) - Number(b.reason !== undefined) || compare(score(a), score(b)),
  )
}

/**
 * The kernel with the least predicted time, a dense one being given a margin.
 *
 * @throws RangeError with every reason if no kernel is usable
 */
export function choose<P extends Problem, W, A>(
  kernels: readonly Kernel<P, W, A>[],
  problem: P,
  backend: Backend,
  options: DispatchOptions,
): { chosen: Kernel<P, W, A>; candidates: Candidate<Kernel<P, W, A>>[] } {
  const candidates = rank(kernels, problem, backend, options)
  const best = candidates[0]
  if (best === undefined || best.reason !== undefined) {
    const reasons = candidates.map(({ kernel, reason }) => `${kernel.name}: ${reason}`)
    const wanted = options.kernel === undefined ? 'no kernel' : `no kernel named ${options.kernel}`
    throw rangeError(
      'NNZ_BACKEND',
      `${problem.operation}: ${wanted} can run this on ${backend.name} ${backend.variant} (${reasons.join('; ') || 'none in the table'})`,
    )
  }
  return { chosen: best.kernel, candidates }
}
