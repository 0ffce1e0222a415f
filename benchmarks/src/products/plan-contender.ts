import { type Backend, type Explanation, isWasm, type Tensor } from '@nnz/core'
import type { ContenderSpec, Prepared } from '../runner/contender.ts'
import { type Home, kernelContender, place } from '../runner/kernels.ts'
import { prepared, timed } from '../runner/tensor-run.ts'
import type { ProductTask } from './task.ts'

/** A plan of a product, whatever the layout of its weights. */
export interface ProductPlan {
  run(x: Tensor, options: { out: Tensor }): Tensor
  explain(): Explanation
  dispose(): void
}

/** Makes the plan of a task; without a kernel, dispatch chooses. */
export type PlanMaker<T extends ProductTask> = (task: T, backend: Backend, kernel: string | undefined) => ProductPlan

/** One row of a table of kernels. */
export function rowContender<T extends ProductTask>(
  kernel: { readonly name: string; readonly dense: boolean },
  backend: Backend,
  supports: (task: T) => true | string,
  makePlan: PlanMaker<T>,
): ContenderSpec<T> {
  return {
    contender: kernelContender(kernel.name, backend, kernel.dense ? 'dense' : 'sparse'),
    supports,
    prepare: (task) => prepare(task, backend, isWasm(backend) ? 'resident' : 'heap', kernel.name, makePlan),
  }
}

/**
 * Dispatch as a user gets it, with tensors in the backend's memory and on the JS heap; `tensors: js-heap` copies x in and y
 * out, as every caller with typed arrays of its own does.
 */
export function automaticContenders<T extends ProductTask>(
  backend: Backend,
  makePlan: PlanMaker<T>,
): ContenderSpec<T>[] {
  const homes: readonly Home[] = isWasm(backend) ? ['resident', 'heap'] : []
  return homes.map((home) => ({
    contender: kernelContender(
      `auto__${backend.name}`,
      backend,
      'sparse',
      home === 'heap' ? { tensors: 'js-heap' } : {},
    ),
    supports: () => true,
    prepare: (task) => prepare(task, backend, home, undefined, makePlan),
  }))
}

async function prepare<T extends ProductTask>(
  task: T,
  backend: Backend,
  home: Home,
  kernel: string | undefined,
  makePlan: PlanMaker<T>,
): Promise<Prepared> {
  const [plan, planning] = timed(() => makePlan(task, backend, kernel))
  const { packedBytes, kernel: chosen } = plan.explain()
  const x = place([task.k, task.n], backend, home)
  const y = place([task.m, task.n], backend, home)
  return prepared({
    backend,
    planning,
    packedBytes,
    chosen: kernel === undefined ? chosen : undefined,
    inputs: [x],
    outputs: [y],
    run: () => plan.run(x, { out: y }),
    dispose: () => plan.dispose(),
  })
}
