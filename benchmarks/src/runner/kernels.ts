import { type Backend, type BackendTensor, isWasm, type Tensor, tensor, type WasmBackend, zeros } from '@nnz/core'
import { median } from 'simple-statistics'
import type { Contender } from '../records/index.ts'
import { version } from '../version.ts'
import type { Prepared } from './contender.ts'

/** How a kernel of ours, or automatic dispatch, stands in the records. */
export function kernelContender(
  name: string,
  backend: Backend,
  method: Contender['method'],
  settings: Contender['settings'] = {},
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

/** What the microkernels are called that do not multiply: they pack activations. */
const PACKING = /[pP]ack/
/** Those that come after the product. */
const EPILOGUE = /^(?:epilogue|gate)/

const PROFILED_RUNS = 15

/** What a run on WASM can say about itself: medians over some runs of the shares of their time, by the names of the microkernels. */
export function profiled(backend: Backend, run: () => void): Pick<Prepared, 'profile'> {
  return isWasm(backend) ? { profile: () => profile(backend, run) } : {}
}

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

/** Where tensors lie: in the backend's memory, or on the JS heap. */
export type Home = 'resident' | 'heap'

/** A tensor of zeros. */
export function place(shape: readonly number[], backend: Backend, home: Home): Tensor {
  return home === 'resident' && isWasm(backend)
    ? zeros(shape, { backend })
    : tensor(new Float32Array(shape.reduce((product, extent) => product * extent, 1)), shape)
}

/** Gives back the memory of those that lie in a backend's. */
export function release(...tensors: readonly Tensor[]): void {
  for (const given of tensors) if ('dispose' in given) (given as BackendTensor).dispose()
}
