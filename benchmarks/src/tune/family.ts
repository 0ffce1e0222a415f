import type { Backend, Problem } from '@nnz/core'

/** What fitting needs of a row of a table. */
export interface TunableKernel<P extends Problem> {
  readonly name: string
  readonly backend: string
  readonly variant: string
  runFeatures(problem: P): readonly number[]
  packFeatures(problem: P): readonly number[]
}

/** A plan whose making was timed. */
export interface TunePlan {
  /** Puts operands in place; what is returned runs once. */
  ready(): () => void
  dispose(): void
}

/** A problem that costs are fitted to. */
export interface TuneCase<P extends Problem> {
  readonly problem: P
  /** What is packed: packing does not depend on the number of columns, so it is timed once for each. */
  readonly packed: object
  readonly flops: number
  plan(backend: Backend): TunePlan
}

/** The kernels of a package, and problems to fit their costs to. */
export interface TuneFamily<K extends TunableKernel<P> = TunableKernel<Problem>, P extends Problem = Problem> {
  /** The module in which the package ships them. */
  readonly module: string
  readonly kernels: readonly K[]
  cases(kernel: K): Iterable<TuneCase<P>>
}
