import type { Optimiser, Parameter } from '@nnz/backprop/kit'
import { csr } from '@nnz/core'
import type { Stored, StoredTensor } from './safetensors.ts'

/** What training has reached, besides its tensors. */
export interface Progress {
  /** Steps taken. */
  readonly step: number
  /** Sum of the stored parameters over the steps taken. */
  readonly parameterSteps: number
  readonly peakBytes: number
  readonly flops: number
}

/**
 * Everything that the next step depends on: values, patterns and optimiser state of each parameter, and the steps taken.
 * Random numbers follow from seed and step, so that there is nothing of them to keep.
 *
 * @param run what may not change between runs, as text
 */
export function saveState(
  parameters: readonly Parameter[],
  optimiser: Optimiser,
  progress: Progress,
  run: string,
): Stored {
  const tensors = new Map<string, StoredTensor>()
  for (const { name, value, csr: pattern, state } of parameters) {
    tensors.set(name, { shape: value.shape, data: value.data })
    if (pattern) {
      tensors.set(`${name}/rowOffsets`, { shape: [pattern.rowOffsets.length], data: pattern.rowOffsets })
      tensors.set(`${name}/columnIndices`, { shape: [pattern.nnz], data: pattern.columnIndices })
    }
    for (const [key, data] of [...state].sort()) tensors.set(`${name}/state/${key}`, { shape: [data.length], data })
  }
  return { tensors, metadata: { run, optimiserSteps: String(optimiser.steps), progress: JSON.stringify(progress) } }
}

/**
 * Puts everything back that {@link saveState} took.
 *
 * @throws RangeError where the file belongs to another run or does not fit the network
 */
export function loadState(
  { tensors, metadata }: Stored,
  parameters: readonly Parameter[],
  optimiser: Optimiser,
  run: string,
): Progress {
  if (metadata.run !== run)
    throw new RangeError(`the checkpoint is of another run: expected ${run}, got ${metadata.run ?? 'nothing'}`)
  const find = <T extends Float32Array | Uint32Array>(name: string, kind: new () => T, count?: number): T => {
    const data = tensors.get(name)?.data
    if (!(data instanceof kind) || (count !== undefined && data.length !== count))
      throw new RangeError(`the checkpoint has no fitting ${name}`)
    return data
  }
  for (const parameter of parameters) {
    const { name, shape } = parameter
    if (tensors.has(`${name}/rowOffsets`)) {
      const [rowOffsets, columnIndices] = [
        find(`${name}/rowOffsets`, Uint32Array),
        find(`${name}/columnIndices`, Uint32Array),
      ]
      // Checks the pattern, too.
      parameter.repattern(csr({ shape, rowOffsets, columnIndices, values: find(name, Float32Array) }))
    } else if (parameter.csr) parameter.repattern(undefined)
    const count = parameter.value.data.length
    parameter.value.data.set(find(name, Float32Array, count))
    parameter.version++
    for (const key of optimiser.states) {
      if (tensors.has(`${name}/state/${key}`))
        parameter.state.set(key, find(`${name}/state/${key}`, Float32Array, parameter.count))
    }
  }
  optimiser.steps = expectCount(Number(metadata.optimiserSteps))
  const progress = JSON.parse(metadata.progress ?? 'null') as Progress | null
  for (const key of ['step', 'parameterSteps', 'peakBytes', 'flops'] as const) expectCount(progress?.[key])
  return progress!
}

function expectCount(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw new RangeError(`the checkpoint's counts do not fit: got ${value}`)
  return value
}
