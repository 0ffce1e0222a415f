import { encoderBaselines } from '../baselines/encoders.ts'
import { encodeContenders } from '../end-to-end/encode-contenders.ts'
import { type EncodeTask, makeEncodeTask } from '../end-to-end/encode-task.ts'
import type { NetworkWorkload } from '../end-to-end/workload.ts'
import { missingFor, networkWorkloads } from '../end-to-end/workloads.ts'
import type { Operation } from './operation.ts'

/** Texts to vectors by a whole sentence encoder. */
export const encodeOperation: Operation<NetworkWorkload, EncodeTask> = {
  name: 'encode',
  // The networks choose among those of all other operations.
  kernels: [],
  baselines: encoderBaselines,
  workloads: (suite) => networkWorkloads('encode', suite),
  missingFor,
  makeTask: makeEncodeTask,
  contenders: encodeContenders,
}
