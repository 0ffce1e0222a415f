import { type DatasetName, loadTask } from '../data/load.ts'
import { type TrainOptions, train } from '../train.ts'
import { progressBar } from './bar.ts'

/** Trains one network and prints what came of it, as JSON. */
export async function run(options: TrainOptions & { dataset: DatasetName; data?: string }): Promise<void> {
  const task = await loadTask(options.dataset, options.data)
  const bar = progressBar(`${options.model} ${options.method}`, options.steps)
  try {
    const result = await train(task, options, bar.onStep)
    bar.stop()
    console.log(JSON.stringify(result, null, 2))
  } finally {
    bar.stop()
  }
}
