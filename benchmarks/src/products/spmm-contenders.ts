import { type Backend, type BackendTensor, isWasm, type Tensor, tensor, type WasmBackend, zeros } from '@nnz/core'
import { kernels, type SpmmKernel, type SpmmPlan, spmm, spmmProblem } from '@nnz/spmm'
import { median } from 'simple-statistics'
import type { Contender } from '../records/index.ts'
import type { ContenderSpec, Prepared } from '../runner/contender.ts'
import { version } from '../version.ts'
import type { SpmmTask } from './task.ts'

type Home = 'resident' | 'heap'

/** Every row of the table that runs on a backend, automatic dispatch, and automatic dispatch with tensors on the JS heap. */
export function spmmContenders(backends: readonly Backend[]): ContenderSpec<SpmmTask>[] {
  return backends.flatMap((backend) => [
    ...kernels
      .filter((kernel) => kernel.backend === backend.name && kernel.variant.split('_')[0] === backend.variant)
      .map((kernel) => rowContender(kernel, backend)),
    ...(backend.name === 'js' ? [] : [automatic(backend, 'resident'), automatic(backend, 'heap')]),
  ])
}

function rowContender(kernel: SpmmKernel, backend: Backend): ContenderSpec<SpmmTask> {
  const home: Home = isWasm(backend) ? 'resident' : 'heap'
  return {
    contender: contender(kernel.name, backend, kernel.dense ? 'dense' : 'sparse', {}),
    supports: (task) => kernel.supports(spmmProblem('spmm', task.weights, task.n, 'none')),
    prepare: (task) => preparePlan(task, backend, home, kernel.name),
  }
}

/** Dispatch as a user gets it. `tensors: js-heap` copies x in and y out, as every caller with typed arrays of its own does. */
function automatic(backend: Backend, home: Home): ContenderSpec<SpmmTask> {
  return {
    contender: contender(`auto__${backend.name}`, backend, 'sparse', home === 'heap' ? { tensors: 'js-heap' } : {}),
    supports: () => true,
    prepare: (task) => preparePlan(task, backend, home, undefined),
  }
}

function contender(
  name: string,
  backend: Backend,
  method: Contender['method'],
  settings: Contender['settings'],
): Contender {
  return {
    type: 'kernel',
    name,
    class: `nnz-${backend.name}`,
    method,
    version,
    settings,
    threads: backend.threads,
    dtype: 'f32',
  }
}

async function preparePlan(
  task: SpmmTask,
  backend: Backend,
  home: Home,
  kernel: string | undefined,
): Promise<Prepared> {
  const start = process.hrtime.bigint()
  const plan: SpmmPlan = spmm.plan(task.weights, { columns: task.n, backend, kernel })
  const planning = Number(process.hrtime.bigint() - start)
  const explanation = plan.explain()
  const x = place([task.k, task.n], backend, home)
  const y = place([task.m, task.n], backend, home)
  return {
    planning,
    packedBytes: explanation.packedBytes,
    ...(kernel === undefined ? { chosen: explanation.kernel } : {}),
    setInput([values]) {
      x.data.set(values)
    },
    poison() {
      y.data.fill(Number.NaN)
    },
    run() {
      plan.run(x, { out: y })
    },
    output: () => y.data,
    ...(isWasm(backend) ? { profile: () => profile(backend, () => plan.run(x, { out: y })) } : {}),
    dispose() {
      plan.dispose()
      for (const matrix of [x, y]) if ('dispose' in matrix) (matrix as BackendTensor).dispose()
    },
  }
}

/** What the microkernels are called that do not multiply: they pack activations. */
const PACKING = /[pP]ack/
/** Those that come after the product. */
const EPILOGUE = /^(?:epilogue|gate)/

/** Medians over some runs of the shares of their time, by the names of the microkernels. */
function profile(backend: WasmBackend, run: () => void): { packing: number; kernel: number } {
  const packing: number[] = []
  const kernel: number[] = []
  for (let i = 0; i < PROFILED_RUNS; i++) {
    let packed = 0
    let multiplied = 0
    backend.observe((name, milliseconds) => {
      if (PACKING.test(name)) packed += milliseconds
      else if (!EPILOGUE.test(name)) multiplied += milliseconds
    })
    const start = performance.now()
    run()
    const whole = performance.now() - start
    packing.push(packed / whole)
    kernel.push(multiplied / whole)
  }
  backend.observe(undefined)
  return { packing: median(packing), kernel: median(kernel) }
}

const PROFILED_RUNS = 15

function place(shape: readonly [number, number], backend: Backend, home: Home): Tensor {
  return home === 'resident' && isWasm(backend)
    ? zeros(shape, { backend })
    : tensor(new Float32Array(shape[0] * shape[1]), shape)
}
