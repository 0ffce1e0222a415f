import { attentionKernels, backwardKernels, decodeKernels } from '@nnz/attention'
import { attentionContenders, backwardContenders } from '../attention/contenders.ts'
import { decodeContenders } from '../attention/decode-contenders.ts'
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

/** One query for each head, against a cache. */
export const decodeOperation: AttentionOperation = {
  ...SHARED,
  name: 'decode',
  kernels: decodeKernels,
  baselines: attentionBaselines,
  workloads: (suite) => attentionWorkloads('decode', suite),
  contenders: decodeContenders,
}
