import { type SddmmKernel, sddmm, sddmmKernels, sddmmProblem, spmmBackward } from '@nnz/backprop'
import { type Backend, gemm, isWasm, tensor, transposed } from '@nnz/core'
import type { ContenderSpec, Prepared } from '../runner/contender.ts'
import { kernelContender, place, profiled, release, rowsOf } from '../runner/kernels.ts'
import type { GradientTask } from './task.ts'

/** Every row of `sddmm`, and automatic dispatch. */
export function sddmmContenders(backends: readonly Backend[]): ContenderSpec<GradientTask>[] {
  return backends.flatMap((backend) => [
    ...rowsOf(sddmmKernels, backend).map(
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
  const start = process.hrtime.bigint()
  const plan = sddmm.plan(weights, { columns: n, backend, kernel })
  const planning = Number(process.hrtime.bigint() - start)
  const explanation = plan.explain()
  const x = place([k, n], backend, homeOf(backend))
  const dy = place([m, n], backend, homeOf(backend))
  const out = place([weights.nnz], backend, homeOf(backend))
  const run = () => {
    plan.run(dy, transposed(x), { out: out.data })
  }
  return {
    planning,
    packedBytes: explanation.packedBytes,
    ...(kernel === undefined ? { chosen: explanation.kernel } : {}),
    setInput([activations, slopes]) {
      x.data.set(activations)
      dy.data.set(slopes)
    },
    poison() {
      out.data.fill(Number.NaN)
    },
    run,
    output: () => out.data,
    ...profiled(backend, run),
    dispose() {
      plan.dispose()
      release(x, dy, out)
    },
  }
}

function prepareGradients({ weights, m, k, n }: GradientTask, backend: Backend): Prepared {
  const start = process.hrtime.bigint()
  const plan = spmmBackward.plan(weights, { columns: n, backend })
  const planning = Number(process.hrtime.bigint() - start)
  const explanation = plan.explain()
  const x = place([k, n], backend, homeOf(backend))
  const dy = place([m, n], backend, homeOf(backend))
  const dx = place([k, n], backend, homeOf(backend))
  const dValues = place([weights.nnz], backend, homeOf(backend))
  const run = () => {
    plan.updateValues(weights.values)
    plan.run(x, dy, { out: { dx, dValues: dValues.data } })
  }
  return {
    planning,
    packedBytes: explanation.packedBytes,
    chosen: `${explanation.dx?.kernel} and ${explanation.dValues?.kernel}`,
    setInput([activations, slopes]) {
      x.data.set(activations)
      dy.data.set(slopes)
    },
    poison() {
      dx.data.fill(Number.NaN)
      dValues.data.fill(Number.NaN)
    },
    run,
    output: () => concatenated(dx.data, dValues.data),
    ...profiled(backend, run),
    dispose() {
      plan.dispose()
      release(x, dy, dx, dValues)
    },
  }
}

/** dX = Wᵀ dY and dW = dY Xᵀ, both whole. */
function prepareDense(task: GradientTask, backend: Backend): Prepared {
  const { weights, m, k, n } = task
  const start = process.hrtime.bigint()
  const transposedWeights = transposed(tensor(task.dense(), [m, k]))
  const values = Float32Array.from({ length: k * m }, (_, i) => transposedWeights.data[(i % m) * k + Math.floor(i / m)])
  const input = gemm.plan(transposedWeights, { columns: n, backend })
  const planning = Number(process.hrtime.bigint() - start)
  const x = place([k, n], backend, homeOf(backend))
  const dy = place([m, n], backend, homeOf(backend))
  const dx = place([k, n], backend, homeOf(backend))
  const dw = place([m, k], backend, homeOf(backend))
  const run = () => {
    input.updateValues(values)
    input.run(dy, { out: dx })
    gemm(dy, transposed(x), { out: dw, backend })
  }
  return {
    planning,
    packedBytes: null,
    setInput([activations, slopes]) {
      x.data.set(activations)
      dy.data.set(slopes)
    },
    poison() {
      dx.data.fill(Number.NaN)
      dw.data.fill(Number.NaN)
    },
    run,
    output() {
      const { rowOffsets, columnIndices } = weights
      const dValues = new Float32Array(weights.nnz)
      for (let row = 0; row < m; row++)
        for (let entry = rowOffsets[row]; entry < rowOffsets[row + 1]; entry++)
          dValues[entry] = dw.data[row * k + columnIndices[entry]]
      return concatenated(dx.data, dValues)
    },
    ...profiled(backend, run),
    dispose() {
      input.dispose()
      release(x, dy, dx, dw)
    },
  }
}

function concatenated(a: Float32Array, b: Float32Array): Float32Array {
  const all = new Float32Array(a.length + b.length)
  all.set(a)
  all.set(b, a.length)
  return all
}
