import { expectArguments, expectParameters } from '../kit/arguments.ts'
import { everyModule, type Module, noWork, type Work } from '../kit/module.ts'
import type { Parameter } from '../kit/parameter.ts'

/** Bytes that training holds. */
export interface TrainingBytes {
  /** Values, and for sparse parameters the indices. */
  readonly weights: number
  readonly gradients: number
  readonly state: number
  /** Indices of the elements chosen for training, where only some are. */
  readonly selections: number
  /** Activations kept for the next backward pass. */
  readonly saved: number
  /** Weights packed by plans. */
  readonly packed: number
  readonly total: number
}

/** Multiply-adds that a module and its parts have done since they were made. */
export function workOf(module: Module): Work {
  expectArguments('workOf', { module: { module } })
  const sum = noWork()
  for (const { work } of everyModule(module)) {
    sum.forward += work.forward
    sum.inputGradient += work.inputGradient
    sum.weightGradient += work.weightGradient
  }
  return sum
}

/** Floating point operations between two counts: two for each multiply-add. */
export function flopsBetween(before: Work, after: Work): number {
  expectArguments('flopsBetween', { object: { before, after } })
  const all = (work: Work) => work.forward + work.inputGradient + work.weightGradient
  return 2 * (all(after) - all(before))
}

/** Stored elements of all parameters: zeros that are not kept do not count. */
export function parameterCount(parameters: Iterable<Parameter>): number {
  let count = 0
  for (const { value } of expectParameters(parameters, 'parameterCount')) count += value.data.length
  return count
}

/** Elements that are trained. */
export function trainedCount(parameters: Iterable<Parameter>): number {
  let sum = 0
  for (const { count } of expectParameters(parameters, 'trainedCount')) sum += count
  return sum
}

/** Bytes held now, counted from the arrays themselves. */
export function trainingBytes(module: Module): TrainingBytes {
  expectArguments('trainingBytes', { module: { module } })
  const bytes = { weights: 0, gradients: 0, state: 0, selections: 0, saved: 0, packed: 0 }
  for (const { value, csr, gradient, gradientEverywhere, state, places } of module.parameters) {
    bytes.weights += value.data.byteLength
    if (csr) bytes.weights += csr.rowOffsets.byteLength + csr.columnIndices.byteLength
    bytes.gradients += (gradient?.byteLength ?? 0) + (gradientEverywhere?.byteLength ?? 0)
    bytes.selections += places?.byteLength ?? 0
    for (const values of state.values()) bytes.state += values.byteLength
  }
  const arrays = new Set<ArrayBufferView>()
  for (const { saved, packedBytes } of everyModule(module)) {
    bytes.packed += packedBytes
    for (const array of saved) arrays.add(array)
  }
  for (const { byteLength } of arrays) bytes.saved += byteLength
  return { ...bytes, total: Object.values(bytes).reduce((sum, count) => sum + count, 0) }
}

/** Keeps the largest {@link TrainingBytes} that it was shown. */
export class PeakBytes {
  #peak: TrainingBytes = { weights: 0, gradients: 0, state: 0, selections: 0, saved: 0, packed: 0, total: 0 }

  /** Looks at a module: between forward and backward for saved activations, after a step for the rest. */
  look(module: Module): void {
    const now = trainingBytes(module)
    if (now.total > this.#peak.total) this.#peak = now
  }

  get peak(): TrainingBytes {
    return this.#peak
  }
}
