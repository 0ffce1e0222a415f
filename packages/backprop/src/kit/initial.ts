import { type Csr, csr, rangeError, type Tensor, tensor } from '@nnz/core'
import type { Pattern } from '../masks/pattern.ts'
import { expectArguments } from './arguments.ts'
import type { Random } from './random.ts'

/**
 * Normal weights of variance gain² / inputs (He et al., arXiv 1502.01852, with a gain of √2). With a pattern, the inputs
 * that each row keeps are what counts (Evci et al., "Gradient flow in sparse neural networks", arXiv 2010.03533).
 *
 * @throws RangeError if the pattern has another shape
 */
export function initialWeights(
  shape: readonly [outputs: number, inputs: number],
  random: Random,
  gain = Math.SQRT2,
  pattern?: Pattern,
): Tensor | Csr {
  expectArguments('initialWeights', { numbers: { shape }, random: { random } })
  if (pattern !== undefined) expectArguments('initialWeights', { pattern: { pattern } })
  const [outputs, inputs] = shape
  if (!pattern) {
    const scale = gain / Math.sqrt(Math.max(1, inputs))
    return tensor(
      Float32Array.from({ length: outputs * inputs }, () => scale * random.normal()),
      shape,
    )
  }
  if (pattern.shape[0] !== outputs || pattern.shape[1] !== inputs) {
    throw rangeError(
      'NNZ_SHAPE',
      `initialWeights: expected a pattern of [${outputs}, ${inputs}], got [${pattern.shape.join(', ')}]`,
    )
  }
  const values = new Float32Array(pattern.columnIndices.length)
  for (let row = 0; row < outputs; row++) {
    const [begin, end] = [pattern.rowOffsets[row], pattern.rowOffsets[row + 1]]
    const scale = gain / Math.sqrt(Math.max(1, end - begin))
    for (let i = begin; i < end; i++) values[i] = scale * random.normal()
  }
  return csr({ ...pattern, values })
}
