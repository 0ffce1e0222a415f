import { kernels } from '@nnz/spmm'
import { productBaselines } from '../baselines/index.ts'
import { spmmContenders } from '../products/spmm-contenders.ts'
import { makeSpmmTask, type SpmmTask } from '../products/task.ts'
import type { ProductWorkload } from '../products/workload.ts'
import { fullWorkloads, missingFor, quickWorkloads } from '../products/workloads.ts'
import type { Operation } from './operation.ts'

/** Unstructured and block-sparse weights times dense activations. */
export const spmmOperation: Operation<ProductWorkload, SpmmTask> = {
  name: 'spmm',
  kernels,
  baselines: productBaselines,
  workloads: (suite) => (suite === 'quick' ? quickWorkloads() : fullWorkloads()),
  missingFor,
  makeTask: makeSpmmTask,
  contenders: spmmContenders,
}
