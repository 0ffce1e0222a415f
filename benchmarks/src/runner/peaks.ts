import { type WasmBackend, wasmMemory } from '@nnz/core'
import * as set from '../generated/wasm.ts'
import type { Peak } from '../records/index.ts'

/** See kernels-wasm/assembly/bench: 13 chains of 4 lanes, 2 flops each. */
const FLOPS_PER_ITERATION = 104
const ITERATIONS = 400_000
/** Larger than the caches that one core has to itself. */
const STREAM_BYTES = 64 * 2 ** 20
const REPETITIONS = 7

/** Medians of what loops reach that do nothing but compute, or nothing but read. */
export function measurePeaks(backend: WasmBackend): Peak[] {
  const memory = wasmMemory()
  const kernels = backend.kernels(set)
  const constants = memory.allocate(32)
  memory.f32.set([0.5, 0.5, 0.5, 0.5, 1, 1, 1, 1], constants / 4)
  const source = memory.allocate(STREAM_BYTES)
  try {
    const bytesPerSecond = rate(STREAM_BYTES, () => kernels.call('streamRead', source, STREAM_BYTES))
    const flops = ITERATIONS * FLOPS_PER_ITERATION
    const peak = (name: string, loop: string): Peak => ({
      name,
      threads: 1,
      flopsPerSecond: rate(flops, () => kernels.call(loop, ITERATIONS, constants)),
      bytesPerSecond,
    })
    const mulAdd = peak('wasm-simd', 'peakMulAdd')
    return backend.variant === 'relaxed' ? [peak('wasm-relaxed', 'peakMadd'), mulAdd] : [mulAdd]
  } finally {
    memory.free(constants)
    memory.free(source)
  }
}

/** Units per second: the median over repetitions, after the optimising tier has the loop. */
function rate(units: number, run: () => void): number {
  for (const end = performance.now() + 150; performance.now() < end; ) run()
  const rates = Array.from({ length: REPETITIONS }, () => {
    const start = performance.now()
    run()
    return units / ((performance.now() - start) / 1000)
  })
  return rates.sort((a, b) => a - b)[REPETITIONS >> 1]
}
