import type { Contender } from '../records/index.ts'
import type { Expectation, Inputs, Task } from './task.ts'

/** A contender that is ready to run on a task. */
export interface Prepared {
  /** Nanoseconds that it took to plan: packing of weights, building of a session. */
  readonly planning: number | null
  /** Bytes of the packed weights. */
  readonly packedBytes: number | null
  /** The kernel that automatic dispatch chose. */
  readonly chosen?: string
  /** Largest error that is not the contender's fault beyond the usual bound: what 8-bit quantisation costs. */
  readonly tolerance?: number
  /** What must come out where that is not what the task expects: of a network as it was published, where the task's is pruned. */
  expectationOf?(inputs: Inputs): Expectation
  /** Sets the operands that change from run to run. Never timed. */
  setInput(inputs: Inputs): void | Promise<void>
  /** One whole run, as a user would call it. */
  run(): void | Promise<void>
  /** What the last run left, as one list. Never timed. */
  output(): ArrayLike<number>
  /** Fills the output with NaN where it is the caller's, so that a run that writes nothing is caught. */
  poison?(): void
  /** Shares of a run's time spent on packing activations, and inside the microkernel that multiplies. */
  profile?(): { readonly packing: number; readonly kernel: number }
  dispose(): void | Promise<void>
  /**
   * Where the clock must be elsewhere (another process): runs for about `milliseconds` and returns nanoseconds of each run.
   * Default: tinybench calls `run`.
   */
  sample?(milliseconds: number): Promise<number[]>
}

/** One way to compute a task: a kernel of ours, or a baseline. */
export interface ContenderSpec<T extends Task = Task> {
  readonly contender: Contender
  /** `true`, or why it cannot run this task, in words. */
  supports(task: T): true | string
  prepare(task: T): Promise<Prepared>
}

/** A family of contenders that needs something that may not be there: a package, a Python module. */
export interface Baseline<T extends Task = Task> {
  /** What `--baselines` calls it. */
  readonly name: string
  /**
   * The contenders, for these numbers of threads. Throws where something is missing; the message says what.
   */
  open(threads: readonly number[]): Promise<readonly ContenderSpec<T>[]>
  /** What stands in the tables if `open` throws. */
  readonly placeholder: Contender
}
