import type { Optimiser, Parameter } from '@nnz/backprop/kit'
import { isTensor, rangeError, type Tensor, tensor } from '@nnz/core'
import { load, type Storable, save } from '@nnz/core/storage'

const STEPS = 'steps'
const RUN = 'run'

/**
 * Everything that the next step of a training depends on, as one file: values, patterns and optimiser state of every
 * parameter, and the steps taken.
 *
 * @param run what may not differ where training goes on, as text
 */
export function saveTraining(
  parameters: readonly Parameter[],
  optimiser: Optimiser,
  run: string,
): Uint8Array<ArrayBuffer> {
  const entries: [string, Storable | Tensor][] = []
  for (const { name, value, csr, state } of parameters) {
    entries.push([name, csr ?? value])
    for (const [key, data] of state) entries.push([stateName(name, key), tensor(data, [data.length])])
  }
  return save(entries, { metadata: { [RUN]: run, [STEPS]: String(optimiser.steps) } })
}

/**
 * Puts back what {@link saveTraining} kept: parameters take its patterns, too.
 *
 * @param file its name, for errors
 * @returns whether the file is of this run; nothing is changed where it is not
 * @throws RangeError where the file does not fit the parameters
 */
export function restoreTraining(
  bytes: Uint8Array,
  parameters: readonly Parameter[],
  optimiser: Optimiser,
  run: string,
  file: string,
): boolean {
  const { weights, metadata } = load(bytes, { file })
  if (metadata.get(RUN) !== run) return false
  const steps = Number(metadata.get(STEPS))
  if (!Number.isSafeInteger(steps) || steps < 0)
    throw rangeError('NNZ_VALUE', `${file}: expected the number of steps, got ${metadata.get(STEPS)}`)
  for (const parameter of parameters) {
    const stored = weights.get(parameter.name)
    if (stored && !isTensor(stored) && stored.layout === 'csr') parameter.repattern(stored as never)
    else if (parameter.csr) parameter.repattern(undefined)
    parameter.value.data.set(numbers(stored, parameter.value.data.length, parameter.name, file))
    parameter.version++
    for (const key of optimiser.states) {
      const name = stateName(parameter.name, key)
      if (weights.has(name)) parameter.state.set(key, numbers(weights.get(name), parameter.count, name, file))
    }
  }
  optimiser.steps = steps
  return true
}

function stateName(parameter: string, key: string): string {
  return `${parameter}/${key}`
}

function numbers(stored: Storable | Tensor | undefined, count: number, name: string, file: string): Float32Array {
  const values = stored && (isTensor(stored) ? stored.data : (stored as { values?: unknown }).values)
  if (!(values instanceof Float32Array) || values.length !== count)
    throw rangeError('NNZ_SHAPE', `${file}: expected ${count} numbers of ${name}`)
  return values
}
