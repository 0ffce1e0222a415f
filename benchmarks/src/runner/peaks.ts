import { type WasmBackend, wasmMemory } from '@nnz/core'
import * as set from '../generated/wasm.ts'
import type { Peak } from '../records/index.ts'

/** See kernels-wasm/assembly/bench: 13 chains of 4 lanes, 2 flops each. */
const FLOPS_PER_ITERATION = 104
/** Of each part: some tenths of a millisecond. */
const ITERATIONS = 100_000
/** Whoever is done first takes another part. */
const PARTS_PER_THREAD = 4
/** Larger than the caches that one core has to itself. */
const STREAM_BYTES = 64 * 2 ** 20
/** The best counts: whatever else runs on the machine only slows a loop. */
const REPETITIONS = 25

/** What loops reach at best that do nothing but compute, or nothing but read, on all threads of a backend. */
export function measurePeaks(backend: WasmBackend): Peak[] {
  const { threads } = backend
  const memory = wasmMemory()
  const kernels = backend.kernels(set)
  const constants = memory.allocate(32)
  memory.f32.set([0.5, 0.5, 0.5, 0.5, 1, 1, 1, 1], constants / 4)
  const source = memory.allocate(STREAM_BYTES)
  // Pages that were never written may all be one.
  memory.f32.fill(1, source / 4, (source + STREAM_BYTES) / 4)
  const parts = threads * PARTS_PER_THREAD
  const bytes = STREAM_BYTES / parts
  try {
    const reads = Array.from({ length: parts }, (_, i) => [source + i * bytes, bytes]).flat()
    const bytesPerSecond = rate(STREAM_BYTES, () => kernels.parallel('streamRead', [], reads))
    const loops = Array.from({ length: parts }, () => [ITERATIONS, constants]).flat()
    const peak = (name: string, loop: string): Peak => ({
      name,
      threads,
      flopsPerSecond: rate(parts * ITERATIONS * FLOPS_PER_ITERATION, () => kernels.parallel(loop, [], loops)),
      bytesPerSecond,
    })
    const mulAdd = peak('wasm-simd', 'peakMulAdd')
    return backend.variant === 'relaxed' ? [peak('wasm-relaxed', 'peakMadd'), mulAdd] : [mulAdd]
  } finally {
    memory.free(constants)
    memory.free(source)
  }
}

/** Units per second, after the optimising tier has the loop. */
function rate(units: number, run: () => void): number {
  for (const end = performance.now() + 150; performance.now() < end; ) run()
  let best = 0
  for (let i = 0; i < REPETITIONS; i++) {
    const start = performance.now()
    run()
    best = Math.max(best, units / ((performance.now() - start) / 1000))
  }
  return best
}
