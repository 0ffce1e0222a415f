import { rangeError, type Tensor, zeros } from '@nnz/core'
import { expectHeads, expectShape } from '../operands.ts'
import { rowMajor } from './tokens.ts'

/** Checked gates, row-major: element i of branch b of a row has the factor `factors[(row * branches + b) * width + i * step]`. */
interface Gates {
  readonly factors: Float32Array
  readonly width: number
  /** 0 where a gate is for a whole row. */
  readonly step: 0 | 1
}

/**
 * Checks gates for branches with outputs in the shape of `like`: [heads, tokens, branches], or with a batch axis, or one for
 * each element in [heads, tokens, branches * headDim].
 */
export function expectGates(gates: Tensor, like: Tensor, branches: number, name: string): Gates {
  const [batch, heads, tokens, headDim] = expectHeads(like, name).shape
  const checked = expectHeads(gates, `${name}: gates`)
  const width = checked.shape[3] === branches ? 1 : headDim
  const outer = [batch, heads, tokens]
  if (outer.some((extent, axis) => checked.shape[axis] !== extent) || checked.shape[3] !== branches * width)
    throw rangeError(
      'NNZ_SHAPE',
      `${name}: gates is [${checked.shape.join(', ')}], expected [${outer.join(', ')}, ${branches} or ${branches * headDim}]`,
    )
  return { factors: rowMajor(checked), width, step: width === 1 ? 0 : 1 }
}

/**
 * Branches added up, each with its gates: Σ_b gates_b outputs_b.
 *
 * @param outputs [heads, tokens, headDim] each, or with a batch axis
 */
export function gatedSum(outputs: readonly Tensor[], gates: Tensor, name: string): Tensor {
  const { factors, width, step } = expectGates(gates, outputs[0], outputs.length, name)
  const result = zeros(outputs[0].shape)
  const { data } = result
  const headDim = outputs[0].shape.at(-1)!
  outputs.forEach((output, branch) => {
    const source = rowMajor(expectHeads(output, name))
    for (let row = 0; row * headDim < data.length; row++) {
      const gate = (row * outputs.length + branch) * width
      for (let i = 0; i < headDim; i++) data[row * headDim + i] += factors[gate + i * step] * source[row * headDim + i]
    }
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
  const { factors, width, step } = expectGates(gates, outputs[0], outputs.length, name)
  const slope = expectHeads(dSum, `${name}: dOutput`)
  expectShape(slope, expectHeads(outputs[0], name).shape, `${name}: dOutput`)
  const slopes = rowMajor(slope)
  const headDim = slope.shape[3]
  const dGates = zeros(gates.shape)
  const sums = new Float64Array(width)
  const dOutputs = outputs.map((output, branch) => {
    const source = rowMajor(expectHeads(output, name))
    const gradient = zeros(output.shape)
    for (let row = 0; row * headDim < slopes.length; row++) {
      const gate = (row * outputs.length + branch) * width
      sums.fill(0)
      for (let i = 0; i < headDim; i++) {
        const at = row * headDim + i
        sums[i * step] += slopes[at] * source[at]
        gradient.data[at] = factors[gate + i * step] * slopes[at]
      }
      dGates.data.set(sums, gate)
    }
    return gradient
  })
  return { dOutputs, dGates }
}
