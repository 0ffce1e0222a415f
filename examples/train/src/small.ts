import { allocate, trainingBytes } from '@nnz/backprop/kit'
import type { Task } from './data/task.ts'
import { allocationOf } from './methods.ts'
import { createNetwork } from './networks.ts'
import type { TrainOptions } from './train.ts'

/** Halvings of the interval in which the scale is looked for. */
const HALVINGS = 10

/**
 * The scale of hidden widths at which a dense network's weights take the bytes of the sparse one's, indices counted: what a
 * large sparse network has to beat ("To prune, or not to prune", arXiv 1710.01878).
 */
export function smallScale(
  task: Task,
  { model, sparsity, seed }: Pick<TrainOptions, 'model' | 'sparsity' | 'seed'>,
): number {
  const { module, layers, shapes } = createNetwork(model, task, seed)
  const counts = allocate(shapes, 1 - sparsity, allocationOf(shapes))
  const wanted = layers.reduce(
    (bytes, { weight: { shape } }, i) => bytes - 4 * shape[0] * shape[1] + 8 * counts[i] + 4 * (shape[0] + 1),
    trainingBytes(module).weights,
  )
  let [low, high] = [0, 1]
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2
    if (trainingBytes(createNetwork(model, task, seed, middle).module).weights <= wanted) low = middle
    else high = middle
  }
  return low
}
