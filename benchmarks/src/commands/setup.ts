import { type Backend, js, wasm, wasmSupport } from '@nnz/core'
import { type Operation, operations } from '../operations/index.ts'
import type { Baseline } from '../runner/contender.ts'
import { type OpenedContenders, openBaselines } from '../runner/run-matrix.ts'

/** Which contenders take part; undefined means all. */
export interface ContenderSelection {
  readonly kernels?: readonly string[] | undefined
  readonly backends?: readonly string[] | undefined
  /** An empty list leaves all baselines out. */
  readonly baselines?: readonly string[] | undefined
  readonly threads: readonly number[]
}

/** The backends of this host that are asked for, with every number of threads. */
export async function openBackends({ backends, threads }: ContenderSelection): Promise<Backend[]> {
  const wanted = (name: string) => backends === undefined || backends.includes(name)
  const opened: Backend[] = []
  if (wanted('wasm') && wasmSupport() === true) {
    for (const count of threads) opened.push(count === 1 ? wasm.open() : await wasm.threads(count))
  }
  if (wanted('js')) opened.push(js)
  return opened
}

/** Our own contenders of an operation and its baselines that are there, with the reasons why others are not. */
export async function openContenders(operation: Operation, selection: ContenderSelection): Promise<OpenedContenders> {
  const own = operation
    .contenders(await openBackends(selection))
    .filter(({ contender }) => selection.kernels?.some((text) => contender.name.includes(text)) ?? true)
  const { specs, missing } = await openBaselines(chosenBaselines(operation, selection.baselines), selection.threads)
  return { specs: [...own, ...specs], missing }
}

/**
 * The baselines of an operation with these names, all where undefined.
 *
 * @throws RangeError that lists the names there are, for one that no operation has
 */
export function chosenBaselines(operation: Operation, names: readonly string[] | undefined): readonly Baseline[] {
  if (names === undefined) return operation.baselines
  const known = new Set(operations.flatMap(({ baselines }) => baselines.map(({ name }) => name)))
  for (const name of names) {
    if (!known.has(name))
      throw new RangeError(`--baselines: expected names among ${[...known].join(', ')}, or none, got ${name}`)
  }
  return operation.baselines.filter(({ name }) => names.includes(name))
}
