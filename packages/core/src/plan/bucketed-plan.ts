import type { Backend } from '../backends/backend.ts'
import { rangeError, typeError } from '../errors.ts'
import type { CostModel } from './cost-model.ts'
import { type Candidate, choose } from './dispatch.ts'
import { type Explanation, explanationText, whyNot } from './explanation.ts'
import { type Kernel, type Problem, type Runner, runsOn } from './kernel.ts'
import { acquirePacking, type SharedPacking } from './packing-store.ts'

/** What an operation gives to make a plan of it. */
export interface PlanSpecification<P extends Problem, W extends object, A> {
  readonly kernels: readonly Kernel<P, W, A>[]
  readonly weights: W
  readonly backend: Backend
  readonly costs: CostModel
  /** The problem at a number of columns. */
  readonly problem: (columns: number) => P
  /** The most columns that a run may have. */
  readonly columns: number
  readonly flops: (problem: P) => number
  readonly bytes: (problem: P) => number
  readonly kernel?: string | undefined
  readonly strictNonFinite?: boolean | undefined
  readonly maxPackedBytes?: number | undefined
  /** Set for a plan that runs this often at exactly `columns` and is thrown away: packing has to pay. */
  readonly runs?: number | undefined
}

interface Bucket<P extends Problem, W, A> {
  readonly to: number
  readonly kernel: Kernel<P, W, A>
  readonly problem: P
  readonly candidates: readonly Candidate<Kernel<P, W, A>>[]
  packing: SharedPacking
  runner: Runner<A>
}

/** Upper ends of the buckets below the largest number of columns: kernels change places at about these. */
const BUCKET_ENDS = [1, 4, 16, 64, 256]

/** A bucket takes a format of its own only where that is predicted to save this much of its time. */
const SHARING_MARGIN = 1.25

const forgotten = new FinalizationRegistry<Set<SharedPacking>>((packings) => {
  for (const packing of packings) packing.release()
})

/** Kernels and packings for every number of columns up to a maximum: what the plans of all weight operations hold. */
export class BucketedPlan<P extends Problem, W extends object, A> {
  readonly #specification: PlanSpecification<P, W, A>
  readonly #buckets: Bucket<P, W, A>[] = []
  readonly #packings = new Set<SharedPacking>()
  #disposed = false

  constructor(specification: PlanSpecification<P, W, A>) {
    this.#specification = specification
    const { columns, runs } = specification
    if (!Number.isInteger(columns) || columns < 0) {
      throw rangeError(
        'NNZ_VALUE',
        `${specification.problem(0).operation}.plan: expected columns to be a whole number >= 0, got ${columns}`,
      )
    }
    // A kernel asked for by name runs every number of columns, or fails at those that it does not support.
    const ends =
      runs === undefined && specification.kernel === undefined ? BUCKET_ENDS.filter((end) => end < columns) : []
    try {
      // The largest number of columns decides first; smaller ones share its packing where that costs them little.
      for (const to of [columns, ...ends.reverse()]) this.#buckets.unshift(this.#bucket(to))
    } catch (error) {
      this.#release()
      throw error
    }
    forgotten.register(this, this.#packings, this)
  }

  #bucket(to: number): Bucket<P, W, A> {
    const { kernels, backend, costs, kernel, strictNonFinite, runs, maxPackedBytes } = this.#specification
    const problem = this.#specification.problem(to)
    const packed = new Set([...this.#packings].map(({ format }) => format))
    const options = { costs, runs: runs ?? Number.POSITIVE_INFINITY, kernel, strictNonFinite, packed }
    const { chosen, candidates } = choose(kernels, problem, backend, options)
    const limit = maxPackedBytes ?? Number.POSITIVE_INFINITY
    const usable = candidates.filter(({ reason }) => reason === undefined)
    const sharing = usable.find((candidate) => packed.has(candidate.kernel.format))
    const wanted = sharing && sharing.nanoseconds <= usable[0].nanoseconds * SHARING_MARGIN ? sharing.kernel : chosen
    for (const candidate of [wanted, ...usable.map((entry) => entry.kernel)]) {
      const known = packed.has(candidate.format)
      const packing = this.#acquire(candidate, problem)
      if (known || this.#packedBytes() <= limit) {
        return {
          to,
          kernel: candidate,
          problem,
          candidates,
          packing,
          runner: candidate.plan(problem, packing.packing, backend),
        }
      }
      this.#packings.delete(packing)
      packing.release()
    }
    throw rangeError('NNZ_VALUE', `${problem.operation}.plan: no packing fits into maxPackedBytes = ${limit}`)
  }

  #acquire(kernel: Kernel<P, W, A>, problem: P): SharedPacking {
    for (const held of this.#packings) if (held.format === kernel.format) return held
    const { backend, weights } = this.#specification
    const held = acquirePacking(weights, kernel.format, backend, () => kernel.pack(weights, problem, backend))
    this.#packings.add(held)
    return held
  }

  #packedBytes(): number {
    let bytes = 0
    for (const { packing } of this.#packings) bytes += packing.bytes
    return bytes
  }

  #release(): void {
    for (const packing of this.#packings) packing.release()
    this.#packings.clear()
  }

  /** Runs the kernel of the bucket that `columns` falls into. `args` were checked. */
  run(columns: number, args: A): void {
    this.expectAlive()
    for (const bucket of this.#buckets) {
      if (columns <= bucket.to) {
        bucket.runner.run(args)
        return
      }
    }
    const { problem } = this.#specification
    throw rangeError(
      'NNZ_SHAPE',
      `${problem(0).operation}: ${columns} columns, the plan is for at most ${this.#specification.columns}`,
    )
  }

  /** Replaces the values in every packing; a packing that other plans hold too is copied first. */
  updateValues(values: Float32Array): void {
    this.expectAlive()
    const { backend, weights } = this.#specification
    for (const held of [...this.#packings]) {
      let current = held
      if (held.shared) {
        const bucket = this.#buckets.find(({ packing }) => packing === held)!
        const copy = bucket.kernel.pack(weights, bucket.problem, backend)
        current = { format: held.format, packing: copy, shared: false, detach() {}, release: () => copy.dispose() }
        this.#packings.delete(held)
        held.release()
        this.#packings.add(current)
        for (const other of this.#buckets.filter(({ packing }) => packing === held)) {
          other.packing = current
          other.runner = other.kernel.plan(other.problem, copy, backend)
        }
      } else held.detach()
      current.packing.updateValues(values)
    }
  }

  explain(): Explanation {
    this.expectAlive()
    const { backend, columns, flops, bytes, problem, kernel } = this.#specification
    const buckets = this.#buckets.map((bucket, index) => ({
      from: index === 0 ? Math.min(1, bucket.to) : this.#buckets[index - 1].to + 1,
      to: bucket.to,
      kernel: bucket.kernel.name,
      format: bucket.kernel.format,
      predictedNanoseconds:
        bucket.candidates.find((candidate) => candidate.kernel === bucket.kernel)?.nanoseconds ?? Number.NaN,
      others: bucket.candidates
        .filter(
          ({ kernel }) =>
            kernel !== bucket.kernel && runsOn(kernel, backend) && kernel.supports(bucket.problem) === true,
        )
        .map((candidate) => ({ kernel: candidate.kernel.name, why: whyNot(candidate) })),
    }))
    const largest = this.#buckets[this.#buckets.length - 1]
    const data = {
      operation: largest.problem.operation,
      backend: backend.name,
      variant: backend.variant,
      threads: backend.threads,
      kernel: largest.kernel.name,
      why:
        kernel === undefined
          ? 'least predicted time among the kernels that support the problem, dense ones given 5 %'
          : 'asked for by name',
      flops: flops(problem(columns)),
      bytes: bytes(problem(columns)),
      packings: [...this.#packings].map(({ format, packing }) => ({ format, bytes: packing.bytes })),
      packedBytes: this.#packedBytes(),
      buckets,
    }
    return { ...data, toString: () => explanationText(data) }
  }

  expectAlive(): void {
    if (this.#disposed)
      throw typeError('NNZ_DISPOSED', `${this.#specification.problem(0).operation}: the plan was used after dispose()`)
  }

  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    forgotten.unregister(this)
    this.#release()
  }
}
