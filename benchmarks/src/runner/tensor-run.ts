import type { Backend, Tensor } from '@nnz/core'
import type { Prepared } from './contender.ts'
import { profiled, release } from './kernels.ts'
import type { Inputs } from './task.ts'

/** A contender of ours whose operands are tensors of its own. */
export interface TensorRun {
  readonly backend: Backend
  readonly planning: number | null
  readonly packedBytes: number | null
  /** The kernel that dispatch chose; undefined where one was asked for. */
  readonly chosen?: string | undefined
  /** In the order of the task's inputs, of which there may be more. */
  readonly inputs: readonly Tensor[]
  /** What a run writes. */
  readonly outputs: readonly Tensor[]
  run(): void
  /** Called when the inputs were set, with all that the task has; never timed. */
  prepareInputs?(inputs: Inputs): void
  /** The output as the task expects it. Default: the outputs, one after the other. */
  output?(): ArrayLike<number>
  /** Releases plans; tensors are released besides. */
  dispose(): void
}

/** What the harness needs of it. */
export function prepared(given: TensorRun): Prepared {
  const { backend, planning, packedBytes, chosen, inputs, outputs } = given
  const run = () => given.run()
  return {
    planning,
    packedBytes,
    ...(chosen === undefined ? {} : { chosen }),
    setInput(values: Inputs) {
      inputs.forEach(({ data }, i) => {
        data.set(values[i])
      })
      given.prepareInputs?.(values)
    },
    poison() {
      for (const { data } of outputs) data.fill(Number.NaN)
    },
    run,
    output: () => given.output?.() ?? concatenated(outputs.map(({ data }) => data)),
    ...profiled(backend, run),
    dispose() {
      given.dispose()
      release(...inputs, ...outputs)
    },
  }
}

/** Lists, one after the other. */
export function concatenated(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0]
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** What a call returned, and how many nanoseconds it took. */
export function timed<T>(call: () => T): [result: T, nanoseconds: number] {
  const start = performance.now()
  const result = call()
  return [result, (performance.now() - start) * 1e6]
}
