import type { Environment } from '../records/schema.ts'
import { bytesLabel, NONE, significant } from './format.ts'

/** The environment as names and values for people. */
export function environmentFacts(environment: Environment): [name: string, value: string][] {
  const { cpu, memory, os, runtime, wasm, gpu, source, peaks, loadAverage, date, suite, shard } = environment
  const { l1d, l1i, l2, l3 } = cpu.caches
  const words = (...parts: (string | null)[]) => parts.filter((part) => part !== null).join(' ') || NONE
  return [
    ['processor', words(cpu.model)],
    ['cores', `${cpu.physicalCores ?? '?'} physical, ${cpu.logicalCores ?? '?'} logical`],
    ['instruction sets', words(...(cpu.features ?? [null]))],
    ['caches', `L1d ${bytesLabel(l1d)}, L1i ${bytesLabel(l1i)}, L2 ${bytesLabel(l2)}, L3 ${bytesLabel(l3)}`],
    ['governor, load', `${cpu.governor ?? NONE}, ${loadAverage ?? NONE}`],
    ['memory', bytesLabel(memory)],
    ['system', `${words(os.name ?? os.platform, os.version)}, ${os.arch}, kernel ${words(os.kernel)}`],
    ['runtime', `${runtime.name} ${runtime.version}, V8 ${words(runtime.v8)}`],
    ['WebAssembly', `SIMD ${yes(wasm.simd)}, relaxed SIMD ${yes(wasm.relaxed)}, threads ${yes(wasm.threads)}`],
    ['GPU', gpu === null ? NONE : `${gpu.model}, driver ${words(gpu.driver)}, CUDA ${words(gpu.cuda)}`],
    ...peaks.map(({ name, threads, flopsPerSecond, bytesPerSecond }): [string, string] => [
      `peak ${name} x${threads}`,
      `${significant(flopsPerSecond / 1e9)} GFLOP/s, ${significant(bytesPerSecond / 1e9)} GB/s`,
    ]),
    ['run', words(date.slice(0, 16).replace('T', ' '), 'UTC,', suite, shard)],
    [
      'commit',
      `${source.commit ?? 'unknown'}${source.dirty === true ? ', with changes' : ''}, version ${source.version}`,
    ],
    ['benchmark code', source.bench.slice(0, 16)],
    ...Object.entries(source.kernels).map(([name, hash]): [string, string] => [`kernels ${name}`, hash.slice(0, 16)]),
  ]
}

function yes(value: boolean): string {
  return value ? 'yes' : 'no'
}
