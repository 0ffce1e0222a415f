import { type Backend, js, wasm, wasmSupport } from '@nnz/core'
import { baselines } from '../baselines/index.ts'
import { kernelContenders } from '../contenders/kernels.ts'
import type { Baseline, ContenderSpec } from '../runner/contender.ts'
import { type OpenedBaselines, openBaselines } from '../runner/run-matrix.ts'

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

/** Our own contenders and the baselines that are there, with the reasons why others are not. */
export async function openContenders(selection: ContenderSelection): Promise<OpenedBaselines> {
  const own = kernelContenders(await openBackends(selection)).filter(
    ({ contender }) => selection.kernels?.some((text) => contender.name.includes(text)) ?? true,
  )
  const { specs, missing } = await openBaselines(chosenBaselines(selection.baselines), selection.threads)
  return { specs: [...own, ...specs] satisfies ContenderSpec[], missing }
}

/**
 * The baselines of these names, all where undefined.
 *
 * @throws RangeError that lists the names there are
 */
export function chosenBaselines(names: readonly string[] | undefined): readonly Baseline[] {
  if (names === undefined) return baselines
  for (const name of names) {
    if (!baselines.some((baseline) => baseline.name === name)) {
      throw new RangeError(
        `--baselines: expected names among ${baselines.map((baseline) => baseline.name).join(', ')}, or none, got ${name}`,
      )
    }
  }
  return baselines.filter(({ name }) => names.includes(name))
}
