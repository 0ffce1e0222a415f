import { describe, rangeError } from '@nnz/core'
import { expectArguments } from '../kit/arguments.ts'
import { Random } from '../kit/random.ts'
import { area, type Pattern, patternAt } from './pattern.ts'

/** `count` entries, every choice of them equally likely; the same for the same numbers. */
export function randomMask(shape: readonly number[], count: number, seed: number, ...stream: number[]): Pattern {
  return patternAt(shape, new Random(seed, ...stream).sample(count, area(shape)).sort())
}

/**
 * Every row (neuron) has exactly `fanIn` entries, drawn at random (SRigL, Lasby et al., arXiv 2305.02299).
 *
 * @throws RangeError if a row has fewer than `fanIn` places
 */
export function constantFanInMask(shape: readonly number[], fanIn: number, seed: number, ...stream: number[]): Pattern {
  area(shape)
  const [rows, columns] = shape
  if (!Number.isInteger(fanIn) || fanIn < 0 || fanIn > columns)
    throw rangeError('NNZ_VALUE', `constantFanInMask: expected a fan-in of 0..${columns}, got ${describe(fanIn)}`)
  const random = new Random(seed, ...stream)
  const columnIndices = new Uint32Array(rows * fanIn)
  for (let row = 0; row < rows; row++) columnIndices.set(random.sample(fanIn, columns).sort(), row * fanIn)
  return {
    shape: [rows, columns],
    rowOffsets: Uint32Array.from({ length: rows + 1 }, (_, row) => row * fanIn),
    columnIndices,
  }
}

/**
 * For each layer `count[i]` random entries: a random sparse configuration drawn from one seed, as a search over random
 * masks needs many of.
 */
export function randomMasks(
  shapes: readonly (readonly number[])[],
  counts: readonly number[],
  seed: number,
  ...stream: number[]
): Pattern[] {
  expectArguments('randomMasks', { array: { shapes }, numbers: { counts } })
  return shapes.map((shape, layer) => randomMask(shape, counts[layer], seed, ...stream, layer))
}
