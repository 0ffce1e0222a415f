import { type Tensor, zeros } from '@nnz/core'
import { expectHeads, expectShape } from '../operands.ts'
import { rowMajor } from './tokens.ts'

/**
 * Branches added up, each with a gate for every query: Σ_b gates[…, b] outputs[b].
 *
 * @param outputs [heads, tokens, headDim] each, or with a batch axis
 * @param gates [heads, tokens, branches], or with a batch axis
 */
export function gatedSum(outputs: readonly Tensor[], gates: Tensor, name: string): Tensor {
  const factors = expectGates(outputs, gates, name)
  const result = zeros(outputs[0].shape)
  const { data } = result
  const headDim = outputs[0].shape.at(-1)!
  outputs.forEach((output, branch) => {
    const source = rowMajor(expectHeads(output, name))
    for (let i = 0; i < data.length; i++)
      data[i] += factors[Math.floor(i / headDim) * outputs.length + branch] * source[i]
  })
  return result
}

/** Gradients of {@link gatedSum}: of each output, and of the gates in their shape. */
export function gatedSumBackward(
  dSum: Tensor,
  outputs: readonly Tensor[],
  gates: Tensor,
  name: string,
): { dOutputs: Tensor[]; dGates: Tensor } {
  const factors = expectGates(outputs, gates, name)
  const slope = expectHeads(dSum, `${name}: dOutput`)
  expectShape(slope, expectHeads(outputs[0], name).shape, `${name}: dOutput`)
  const slopes = rowMajor(slope)
  const headDim = slope.shape[3]
  const dGates = zeros(gates.shape)
  const dOutputs = outputs.map((output, branch) => {
    const source = rowMajor(expectHeads(output, name))
    const gradient = zeros(output.shape)
    for (let row = 0; row * headDim < slopes.length; row++) {
      const at = row * outputs.length + branch
      let sum = 0
      for (let i = row * headDim; i < (row + 1) * headDim; i++) {
        sum += slopes[i] * source[i]
        gradient.data[i] = factors[at] * slopes[i]
      }
      dGates.data[at] = sum
    }
    return gradient
  })
  return { dOutputs, dGates }
}

/** Checks the gates of branches; row-major. */
export function expectGates(outputs: readonly Tensor[], gates: Tensor, name: string): Float32Array {
  const [batch, heads, tokens] = expectHeads(outputs[0], name).shape
  const checked = expectHeads(gates, `${name}: gates`)
  expectShape(checked, [batch, heads, tokens, outputs.length], `${name}: gates`)
  return rowMajor(checked)
}
