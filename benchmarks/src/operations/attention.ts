import { attentionKernels, backwardKernels, decodeKernels } from '@nnz/attention'
import { attentionContenders, backwardContenders } from '../attention/contenders.ts'
import { decodeContenders } from '../attention/decode-contenders.ts'
import { makeSelectionTask, type SelectionTask, selectionContenders } from '../attention/selection.ts'
import { type AttentionTask, makeAttentionTask } from '../attention/task.ts'
import type { AttentionWorkload } from '../attention/workload.ts'
import { attentionWorkloads } from '../attention/workloads.ts'
import { attentionBaselines } from '../baselines/attention.ts'
import type { Operation } from './operation.ts'

type AttentionOperation = Operation<AttentionWorkload, AttentionTask>

const SHARED = { missingFor: () => undefined, makeTask: makeAttentionTask } as const

/** Attention over the kept blocks of a prompt or an image. */
export const attentionOperation: AttentionOperation = {
  ...SHARED,
  name: 'attention',
  kernels: attentionKernels,
  baselines: attentionBaselines,
  workloads: (suite) => attentionWorkloads('attention', suite),
  contenders: attentionContenders,
}

/** Its gradients. */
export const attentionBackwardOperation: AttentionOperation = {
  ...SHARED,
  name: 'attention-backward',
  kernels: backwardKernels,
  baselines: [],
  workloads: (suite) => attentionWorkloads('attention-backward', suite),
  contenders: backwardContenders,
}

/** Attention whose blocks are chosen from its q and k, the choice inside the time and outside. */
export const attentionSelectionOperation: Operation<AttentionWorkload, SelectionTask> = {
  name: 'attention-selection',
  missingFor: () => undefined,
  makeTask: makeSelectionTask,
  // Those of attention; selectors are functions.
  kernels: [],
  baselines: [],
  workloads: (suite) => attentionWorkloads('attention-selection', suite),
  contenders: selectionContenders,
}

/** One query for each head, against a cache. */
export const decodeOperation: AttentionOperation = {
  ...SHARED,
  name: 'decode',
  kernels: decodeKernels,
  baselines: attentionBaselines,
  workloads: (suite) => attentionWorkloads('decode', suite),
  contenders: decodeContenders,
}
