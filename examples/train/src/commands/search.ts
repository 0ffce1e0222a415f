import { type DatasetName, loadTask } from '../data/load.ts'
import type { Task } from '../data/task.ts'
import { type TrainOptions, type TrainResult, train } from '../train.ts'
import { progressBar } from './bar.ts'

/** Trains once for each of `trials` random static patterns; weights and order of data are those of one seed. */
export async function trialsOf(task: Task, options: TrainOptions, trials: number): Promise<TrainResult[]> {
  const results: TrainResult[] = []
  for (let trial = 0; trial < trials; trial++) {
    const bar = progressBar(`pattern ${trial + 1}/${trials}`, options.steps)
    results.push(await train(task, { ...options, method: 'static', patternSeed: trial }, bar.onStep))
    bar.stop()
  }
  return results
}

/** The best accuracy beside the mean and the standard deviation of all: a best within their spread is no finding. */
export function summarise(results: readonly TrainResult[]): { best: number; mean: number; deviation: number } {
  const accuracies = results.map(({ accuracy }) => accuracy)
  const mean = accuracies.reduce((sum, accuracy) => sum + accuracy, 0) / accuracies.length
  const squares = accuracies.reduce((sum, accuracy) => sum + (accuracy - mean) ** 2, 0)
  return { best: Math.max(...accuracies), mean, deviation: Math.sqrt(squares / Math.max(1, accuracies.length - 1)) }
}

/** Searches over random patterns and prints what came of it, as JSON. */
export async function search(
  options: TrainOptions & { dataset: DatasetName; data?: string; trials: number },
): Promise<void> {
  const task = await loadTask(options.dataset, options.data)
  const never = options.steps + 1
  const results = await trialsOf(task, { ...options, evaluateEvery: never, checkpointEvery: never }, options.trials)
  console.log(JSON.stringify({ ...summarise(results), accuracies: results.map(({ accuracy }) => accuracy) }, null, 2))
}
