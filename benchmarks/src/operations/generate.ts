import { decoderBaselines } from '../baselines/decoders.ts'
import { generateContenders } from '../end-to-end/generate-contenders.ts'
import { type GenerateTask, makeGenerateTask } from '../end-to-end/generate-task.ts'
import type { NetworkWorkload } from '../end-to-end/workload.ts'
import { missingFor, networkWorkloads } from '../end-to-end/workloads.ts'
import type { Operation } from './operation.ts'

/** A whole language model: a prompt, and one token after another. */
export const generateOperation: Operation<NetworkWorkload, GenerateTask> = {
  name: 'generate',
  // The network chooses among those of all other operations.
  kernels: [],
  baselines: decoderBaselines,
  workloads: (suite) => networkWorkloads('generate', suite),
  missingFor,
  makeTask: makeGenerateTask,
  contenders: generateContenders,
}
