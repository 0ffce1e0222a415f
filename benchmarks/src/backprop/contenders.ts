import { type SddmmKernel, sddmm, sddmmKernels, sddmmProblem, spmmBackward } from '@nnz/backprop'
import { type Backend, gemm, isWasm, runsOn, tensor, transposed } from '@nnz/core'
import { transpose } from '../baselines/transpose.ts'
import type { ContenderSpec, Prepared } from '../runner/contender.ts'
import { kernelContender, place } from '../runner/kernels.ts'
import { concatenated, prepared, timed } from '../runner/tensor-run.ts'
import type { GradientTask } from './task.ts'

/** Every row of `sddmm`, and automatic dispatch. */
export function sddmmContenders(backends: readonly Backend[]): ContenderSpec<GradientTask>[] {
  return backends.flatMap((backend) => [
    ...sddmmKernels
      .filter((kernel) => runsOn(kernel, backend))
      .map(
        (kernel): ContenderSpec<GradientTask> => ({
          contender: kernelContender(kernel.name, backend, kernel.dense ? 'dense' : 'sparse'),
          supports: (task) => supports(kernel, task),
          prepare: async (task) => prepareSddmm(task, backend, kernel.name),
        }),
      ),
    ...(isWasm(backend)
      ? [
          {
            contender: kernelContender(`auto__${backend.name}`, backend, 'sparse'),
            supports: () => true as const,
            prepare: async (task: GradientTask) => prepareSddmm(task, backend, undefined),
          },
        ]
      : []),
  ])
}

/** Both gradients: as dispatch chooses, and as two dense products. */
export function gradientContenders(backends: readonly Backend[]): ContenderSpec<GradientTask>[] {
  return backends.flatMap((backend): ContenderSpec<GradientTask>[] => [
    {
      // Values change in each step of training, so each run takes new ones.
      contender: kernelContender(`auto__${backend.name}`, backend, 'sparse', { values: 'new in each run' }),
      supports: () => true,
      prepare: async (task) => prepareGradients(task, backend),
    },
    {
      contender: kernelContender(`gemm_f32__${backend.name}_${backend.variant}`, backend, 'dense', {
        path: 'two products',
        values: 'new in each run',
      }),
      supports: ({ denseFlops }) => isWasm(backend) || denseFlops < 1e9 || 'plain JS takes seconds for it',
      prepare: async (task) => prepareDense(task, backend),
    },
  ])
}

function supports(kernel: SddmmKernel, { weights, n }: GradientTask): true | string {
  return kernel.supports(sddmmProblem(weights, n))
}

function homeOf(backend: Backend): 'resident' | 'heap' {
  return isWasm(backend) ? 'resident' : 'heap'
}

function prepareSddmm({ weights, m, k, n }: GradientTask, backend: Backend, kernel: string | undefined): Prepared {
  const [plan, planning] = timed(() => sddmm.plan(weights, { columns: n, backend, kernel }))
  const { packedBytes, kernel: chosen } = plan.explain()
  const x = place([k, n], backend, homeOf(backend))
  const dy = place([m, n], backend, homeOf(backend))
  const out = place([weights.nnz], backend, homeOf(backend))
  return prepared({
    backend,
    planning,
    packedBytes,
    chosen: kernel === undefined ? chosen : undefined,
    inputs: [x, dy],
    outputs: [out],
    run: () => plan.run(dy, transposed(x), { out: out.data }),
    dispose: () => plan.dispose(),
  })
}

function prepareGradients({ weights, m, k, n }: GradientTask, backend: Backend): Prepared {
  const [plan, planning] = timed(() => spmmBackward.plan(weights, { columns: n, backend }))
  const explanation = plan.explain()
  const x = place([k, n], backend, homeOf(backend))
  const dy = place([m, n], backend, homeOf(backend))
  const dx = place([k, n], backend, homeOf(backend))
  const dValues = place([weights.nnz], backend, homeOf(backend))
  return prepared({
    backend,
    planning,
    packedBytes: explanation.packedBytes,
    chosen: `${explanation.dx?.kernel} and ${explanation.dValues?.kernel}`,
    inputs: [x, dy],
    outputs: [dx, dValues],
    run() {
      plan.updateValues(weights.values)
      plan.run(x, dy, { out: { dx, dValues: dValues.data } })
    },
    dispose: () => plan.dispose(),
  })
}

/** dX = Wᵀ dY and dW = dY Xᵀ, both whole. */
function prepareDense(task: GradientTask, backend: Backend): Prepared {
  const { weights, m, k, n } = task
  const values = transpose(task.dense(), m, k)
  const [input, planning] = timed(() => gemm.plan(tensor(values, [k, m]), { columns: n, backend }))
  const x = place([k, n], backend, homeOf(backend))
  const dy = place([m, n], backend, homeOf(backend))
  const dx = place([k, n], backend, homeOf(backend))
  const dw = place([m, k], backend, homeOf(backend))
  return prepared({
    backend,
    planning,
    packedBytes: null,
    inputs: [x, dy],
    outputs: [dx, dw],
    run() {
      input.updateValues(values)
      input.run(dy, { out: dx })
      gemm(dy, transposed(x), { out: dw, backend })
    },
    output() {
      const { rowOffsets, columnIndices } = weights
      const dValues = new Float32Array(weights.nnz)
      for (let row = 0; row < m; row++)
        for (let entry = rowOffsets[row]; entry < rowOffsets[row + 1]; entry++)
          dValues[entry] = dw.data[row * k + columnIndices[entry]]
      return concatenated([dx.data, dValues])
    },
    dispose: () => input.dispose(),
  })
}
