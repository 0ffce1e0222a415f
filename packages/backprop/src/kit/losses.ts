import { describe, expectMatrix, rangeError, type Tensor, zeros } from '@nnz/core'
import { expectArguments } from './arguments.ts'

/** A loss and its gradient by what was predicted. */
export interface Loss {
  readonly loss: number
  readonly gradient: Tensor
}

/**
 * Cross-entropy of softmax(logits) with the right classes, the mean over rows.
 *
 * @param logits [rows, classes]
 * @param labels for each row its class
 * @returns the loss in nats, its gradient, and how many rows have their largest logit in the right place
 */
export function crossEntropy(logits: Tensor, labels: ArrayLike<number>): Loss & { readonly correct: number } {
  const [rows, classes] = expectMatrix(logits, 'crossEntropy: logits').shape
  expectArguments('crossEntropy', { numbers: { labels } })
  if (labels.length !== rows)
    throw rangeError('NNZ_SHAPE', `crossEntropy: expected ${rows} labels, one for each row, got ${labels.length}`)
  if (rows > 0 && classes === 0)
    throw rangeError('NNZ_SHAPE', `crossEntropy: expected logits of at least one class, got [${rows}, 0]`)
  const wrong = Array.from(labels).find((label) => !(Number.isInteger(label) && label >= 0 && label < classes))
  if (wrong !== undefined)
    throw rangeError('NNZ_VALUE', `crossEntropy: expected labels in 0..${classes - 1}, got ${describe(wrong)}`)
  const [rowStride, columnStride] = logits.strides
  const source = logits.data
  const gradient = zeros([rows, classes])
  const slopes = gradient.data
  let loss = 0
  let correct = 0
  for (let row = 0; row < rows; row++) {
    const at = (column: number) => source[row * rowStride + column * columnStride]
    let best = 0
    for (let column = 1; column < classes; column++) if (at(column) > at(best)) best = column
    const largest = at(best)
    let sum = 0
    for (let column = 0; column < classes; column++) sum += Math.exp(at(column) - largest)
    for (let column = 0; column < classes; column++)
      slopes[row * classes + column] = Math.exp(at(column) - largest) / sum / rows
    slopes[row * classes + labels[row]] -= 1 / rows
    loss += Math.log(sum) + largest - at(labels[row])
    if (best === labels[row]) correct++
  }
  return { loss: rows === 0 ? 0 : loss / rows, gradient, correct }
}

function expectSame(a: Tensor, b: Tensor, name: string): void {
  expectMatrix(a, `${name}: predicted`)
  expectMatrix(b, `${name}: target`)
  if (a.shape[0] !== b.shape[0] || a.shape[1] !== b.shape[1])
    throw rangeError('NNZ_SHAPE', `${name}: target is [${b.shape.join(', ')}], expected [${a.shape.join(', ')}]`)
}

/** Sum of squared differences and of squared targets, and the differences as a tensor. */
function compare(predicted: Tensor, target: Tensor) {
  const [rows, columns] = predicted.shape
  const difference = zeros([rows, columns])
  let squares = 0
  let size = 0
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) {
      const wanted = target.data[row * target.strides[0] + column * target.strides[1]]
      const d = predicted.data[row * predicted.strides[0] + column * predicted.strides[1]] - wanted
      difference.data[at] = d
      squares += d * d
      size += wanted * wanted
    }
  }
  return { difference, squares, size }
}

function scaled(difference: Tensor, factor: number): Tensor {
  for (let i = 0; i < difference.data.length; i++) difference.data[i] *= factor
  return difference
}

/** Mean over all elements of the squared difference. */
export function meanSquaredError(predicted: Tensor, target: Tensor): Loss {
  expectSame(predicted, target, 'meanSquaredError')
  const { difference, squares } = compare(predicted, target)
  const count = Math.max(1, difference.data.length)
  return { loss: squares / count, gradient: scaled(difference, 2 / count) }
}

/**
 * SquareHead distillation of one layer's features: the squared error divided by the squared size of the teacher's
 * (Kurtic et al., arXiv 2310.06927). Sum it over the layers.
 *
 * @param epsilon keeps a teacher of zeros from dividing by zero
 */
export function squareHead(student: Tensor, teacher: Tensor, epsilon = 1e-6): Loss {
  expectSame(student, teacher, 'squareHead')
  const { difference, squares, size } = compare(student, teacher)
  const count = Math.max(1, difference.data.length)
  const scale = size / count + epsilon
  return { loss: squares / count / scale, gradient: scaled(difference, 2 / (count * scale)) }
}
