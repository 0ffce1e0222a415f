import { configure } from '@nnz/core'
import { everyPackage } from '../../programs/every-package.js'

/** What the test asks of a page or a worker. */
export interface Settings {
  /** Default: the backend that a call takes by itself. */
  threads?: number
  /** Start the pool's workers from this page's own copy of `@nnz/core/worker`. */
  ownWorkerScript?: boolean
}

/** One call of each kernel package in this realm. */
export function run({ threads, ownWorkerScript }: Settings, workerUrl: string) {
  if (ownWorkerScript) configure({ workerUrl })
  return everyPackage(threads === undefined ? {} : { threads })
}
