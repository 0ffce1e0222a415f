import { type WasmBackend, wasmMemory } from '@nnz/core'
import * as set from '../generated/wasm.ts'
import type { Peak } from '../records/index.ts'

/** See kernels-wasm/assembly/bench: 13 chains of 4 lanes, 2 flops each. */
const FLOPS_PER_ITERATION = 104
/** Of each part: some tenths of a millisecond. */
const ITERATIONS = 100_000
/** Whoever is done first takes another part. */
const PARTS_PER_THREAD = 4
/** Operands of up to so many bytes are read as fast as a buffer of `read` bytes at best: from a core's cache, from a shared one, from memory. */
const LEVELS = [
  { upTo: 2 ** 21, read: 2 ** 19, suffix: ' in 0.5 MiB' },
  { upTo: 2 ** 25, read: 2 ** 23, suffix: ' in 8 MiB' },
  { upTo: Number.POSITIVE_INFINITY, read: 2 ** 26, suffix: '' },
] as const
const STREAM_BYTES = 2 ** 26
/** Parts that one call may have. */
const READS = 256

/** What the name of a peak ends in for operands of so many bytes. */
export function levelOf(bytes: number): string {
  return LEVELS.find(({ upTo }) => bytes <= upTo)?.suffix ?? ''
}

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
  const parts = Math.min(READS, threads * PARTS_PER_THREAD)
  try {
    const loops = Array.from({ length: parts }, () => [ITERATIONS, constants]).flat()
    const flops = parts * ITERATIONS * FLOPS_PER_ITERATION
    const flopsOf = (loop: string) => rate(flops, () => kernels.parallel(loop, [], loops))
    const mulAdd = { name: 'wasm-simd', flopsPerSecond: flopsOf('peakMulAdd') }
    const best = backend.variant === 'relaxed' ? { name: 'wasm-relaxed', flopsPerSecond: flopsOf('peakMadd') } : mulAdd
    return LEVELS.flatMap(({ read, suffix }) => {
      const bytes = read / parts
      // A small buffer is read several times: waking another thread takes longer than reading it once.
      const times = Math.min(STREAM_BYTES / read, READS / parts)
      const reads = Array.from({ length: times * parts }, (_, i) => [source + (i % parts) * bytes, bytes]).flat()
      const bytesPerSecond = rate(times * read, () => kernels.parallel('streamRead', [], reads))
      // Multiply and add apart are told once, beside the fused rate; they limit the kernels of a host without it.
      const told = suffix === '' && best !== mulAdd ? [best, mulAdd] : [best]
      return told.map(({ name, flopsPerSecond }) => ({ name: name + suffix, threads, flopsPerSecond, bytesPerSecond }))
    })
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
