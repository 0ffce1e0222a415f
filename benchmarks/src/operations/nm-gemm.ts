import { kernels } from '@nnz/nm-gemm'
import { productBaselines } from '../baselines/index.ts'
import { nmContenders } from '../products/nm-contenders.ts'
import { makeNmTask, type NmTask } from '../products/nm-task.ts'
import { nmWorkloads } from '../products/nm-workloads.ts'
import type { ProductWorkload } from '../products/workload.ts'
import type { Operation } from './operation.ts'

/** Weights that keep n of each m, times dense activations. */
export const nmGemmOperation: Operation<ProductWorkload, NmTask> = {
  name: 'nm-gemm',
  kernels,
  baselines: productBaselines,
  workloads: nmWorkloads,
  missingFor: () => undefined,
  makeTask: makeNmTask,
  contenders: nmContenders,
}
