import { describe, typeError } from '../errors.ts'
import type { Kernel, Problem } from './kernel.ts'

/** Nanoseconds for each of a kernel's features, fitted to measurements on one thread. */
export interface KernelCost {
  readonly run: readonly number[]
  readonly pack: readonly number[]
}

/** Coefficients by kernel name. */
export type CostModel = Readonly<Record<string, KernelCost>>

let tuned: CostModel = {}

/**
 * Replaces shipped coefficients by ones fitted on this machine: the `costs` of the file that `nnz-bench tune` writes.
 *
 * @throws TypeError if an entry is not of the form `{ run: number[], pack: number[] }`
 */
export function setCostModel(model: CostModel): void {
  if (typeof model !== 'object' || model === null)
    throw typeError('NNZ_TYPE', `setCostModel: expected an object, got ${describe(model)}`)
  for (const [name, cost] of Object.entries(model)) {
    for (const part of [cost?.run, cost?.pack]) {
      if (!Array.isArray(part) || !part.every((value) => Number.isFinite(value))) {
        throw typeError(
          'NNZ_TYPE',
          `setCostModel: ${name}: expected { run: number[], pack: number[] }, got ${describe(cost)}`,
        )
      }
    }
  }
  tuned = { ...model }
}

function dot(features: readonly number[], coefficients: readonly number[]): number {
  let sum = 0
  for (let i = 0; i < features.length; i++) sum += features[i] * (coefficients[i] ?? 0)
  return sum
}

/**
 * Predicted nanoseconds of one run and of packing, on one thread: the choice of a kernel must not depend on the number of
 * threads, or results would. A kernel without coefficients is predicted to take forever.
 */
export function predict<P extends Problem>(
  kernel: Kernel<P, never, never>,
  problem: P,
  shipped: CostModel,
): { run: number; pack: number } {
  const cost = tuned[kernel.name] ?? shipped[kernel.name]
  if (!cost) return { run: Number.POSITIVE_INFINITY, pack: Number.POSITIVE_INFINITY }
  return { run: dot(kernel.runFeatures(problem), cost.run), pack: dot(kernel.packFeatures(problem), cost.pack) }
}
