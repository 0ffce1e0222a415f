import {
  type Backend,
  type Candidate,
  choose,
  type Kernel,
  type Packing,
  type Problem,
  type Runner,
  resolveBackend,
  runsOn,
  typeError,
} from '@nnz/core'
import { COSTS } from './cost-model.ts'
import { type ExecutionOptions, expectOptions } from './options.ts'

/** What a plan decided, as data; `String(explanation)` is for people. */
export interface AttentionExplanation {
  readonly operation: string
  readonly backend: string
  readonly variant: string
  readonly threads: number
  readonly kernel: string
  readonly why: string
  /** Of one run, on the kept pairs. */
  readonly flops: number
  readonly bytes: number
  readonly packedBytes: number
  readonly others: readonly { readonly kernel: string; readonly why: string }[]
  toString(): string
}

/** For each kernel of a table: `true` if it supports the problem, else the reason why not. */
export function supportsOf<P extends Problem>(
  kernels: readonly Pick<Kernel<P, unknown, unknown>, 'name' | 'supports'>[],
  problem: P,
  name: string,
): Record<string, true | string> {
  expectOptions(problem, name)
  return Object.fromEntries(kernels.map((kernel) => [kernel.name, kernel.supports(problem)]))
}

const forgotten = new FinalizationRegistry<Packing>((packing) => packing.dispose())

/** A kernel chosen, its packing and its runner: what every plan of this package holds. */
export class Planned<P extends Problem, W, A> {
  readonly problem: P
  readonly #backend: Backend
  readonly #kernel: Kernel<P, W, A>
  readonly #candidates: readonly Candidate<Kernel<P, W, A>>[]
  readonly #byName: boolean
  readonly #packing: Packing
  readonly #runner: Runner<A>
  #disposed = false

  constructor(kernels: readonly Kernel<P, W, A>[], problem: P, weights: W, options: ExecutionOptions) {
    const backend = resolveBackend(options.backend)
    const { kernel } = options
    const { chosen, candidates } = choose(kernels, problem, backend, { costs: COSTS, runs: 1, kernel })
    this.problem = problem
    this.#backend = backend
    this.#kernel = chosen
    this.#candidates = candidates
    this.#byName = kernel !== undefined
    this.#packing = chosen.pack(weights, problem, backend)
    try {
      this.#runner = chosen.plan(problem, this.#packing, backend)
    } catch (error) {
      this.#packing.dispose()
      throw error
    }
    forgotten.register(this, this.#packing, this)
  }

  run(args: A): void {
    this.#runner.run(args)
  }

  expectAlive(): void {
    if (this.#disposed) throw typeError('NNZ_DISPOSED', `${this.problem.operation}: the plan was used after dispose()`)
  }

  explain(flops: number, bytes: number): AttentionExplanation {
    this.expectAlive()
    const { name, variant, threads } = this.#backend
    const data = {
      operation: this.problem.operation,
      backend: name,
      variant,
      threads,
      kernel: this.#kernel.name,
      why: this.#byName ? 'asked for by name' : 'least predicted time among the kernels that support the problem',
      flops,
      bytes,
      packedBytes: this.#packing.bytes,
      others: this.#candidates
        .filter(({ kernel }) => kernel !== this.#kernel && runsOn(kernel, this.#backend))
        .map(({ kernel, nanoseconds, reason }) => ({
          kernel: kernel.name,
          why: reason ?? `predicted ${(nanoseconds / 1000).toPrecision(3)} µs`,
        })),
    }
    return { ...data, toString: () => text(data) }
  }

  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    forgotten.unregister(this)
    this.#packing.dispose()
  }
}

function text(explanation: Omit<AttentionExplanation, 'toString'>): string {
  const { operation, backend, variant, threads, kernel, why, flops, bytes, packedBytes, others } = explanation
  return [
    `${operation} on ${backend} (${variant}, ${threads} ${threads === 1 ? 'thread' : 'threads'}): ${kernel}`,
    `  why: ${why}`,
    `  one run: ${(flops / 1e6).toPrecision(4)} Mflop, ${(bytes / 1e6).toPrecision(4)} MB`,
    `  pattern: ${packedBytes} bytes`,
    ...others.map((other) => `  not ${other.kernel}: ${other.why}`),
  ].join('\n')
}
