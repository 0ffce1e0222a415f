import os from 'node:os'
import si from 'systeminformation'
import type { Environment, Peak } from '../records/schema.ts'
import { hashFolder } from './hash.ts'
import { commitOf } from './source.ts'

export interface CaptureOptions {
  /** Chosen names: lower-case letters, digits, hyphens. */
  readonly machine: string
  readonly suite: string
  readonly shard?: { readonly index: number; readonly total: number }
  /** Found by core's feature detection. */
  readonly wasm: Environment['wasm']
  /** SHA-256 of each set of kernels. */
  readonly kernels: Readonly<Record<string, string>>
  /** Measured in this run. */
  readonly peaks: readonly Peak[]
  readonly gpu?: Environment['gpu']
  /** The folder of the benchmark's package, and the folder inside it that holds the running code. */
  readonly packageFolder: string
  readonly codeFolder: string
  readonly version: string
}

/** Flags that decide how fast a kernel can be; the other hundred only make the record longer. */
const TELLING = /^(?:sse4_[12]|ssse3|avx\w*|fma|f16c|bmi[12]|amx\w*|gfni|neon|asimd\w*|sve\w*|sme\w*|i8mm|bf16|fphp)$/

/** Captures what the records of this run are measured on. What the system does not tell is null. */
export async function captureEnvironment(options: CaptureOptions): Promise<Environment> {
  const { machine, suite, shard, wasm, kernels, peaks, gpu = null, version } = options
  const [cpu, flags, osInfo, commit, bench] = await Promise.all([
    orNull(si.cpu()),
    orNull(si.cpuFlags()),
    orNull(si.osInfo()),
    commitOf(options.packageFolder),
    hashFolder(options.codeFolder),
  ])
  const features = (flags ?? '')
    .toLowerCase()
    .split(/\s+/)
    .filter((flag) => TELLING.test(flag))
  return {
    machine,
    suite,
    shard: shard === undefined ? null : `${shard.index}of${shard.total}`,
    date: new Date().toISOString(),
    cpu: {
      model: nonEmpty(os.cpus()[0]?.model) ?? nonEmpty(cpu && `${cpu.manufacturer} ${cpu.brand}`),
      physicalCores: positive(cpu?.physicalCores),
      logicalCores: positive(os.cpus().length),
      features: features.length === 0 ? null : features.sort(),
      governor: nonEmpty(cpu?.governor),
      caches: {
        l1d: positive(cpu?.cache.l1d),
        l1i: positive(cpu?.cache.l1i),
        l2: positive(cpu?.cache.l2),
        l3: positive(cpu?.cache.l3),
      },
    },
    memory: positive(os.totalmem()),
    os: {
      platform: os.platform(),
      arch: os.arch(),
      name: nonEmpty(osInfo?.distro),
      version: nonEmpty(osInfo?.release),
      // The numbers only: what follows them is often a name that someone gave.
      kernel: os.release().match(/^\d+(?:\.\d+)*/)?.[0] ?? null,
    },
    runtime: runtime(),
    wasm: { simd: wasm.simd, relaxed: wasm.relaxed, threads: wasm.threads },
    gpu,
    // Windows has no load average, and Node answers zeros.
    loadAverage: os.platform() === 'win32' ? null : Math.round(os.loadavg()[0]! * 100) / 100,
    source: { ...commit, version, bench, kernels: { ...kernels } },
    peaks: [...peaks],
  }
}

function runtime(): Environment['runtime'] {
  const { versions } = process
  const name = versions.bun !== undefined ? 'bun' : versions.deno !== undefined ? 'deno' : 'node'
  return { name, version: versions[name] ?? process.version.slice(1), v8: versions.v8 ?? null }
}

function nonEmpty(text: string | null | undefined): string | null {
  const trimmed = text?.trim() ?? ''
  return trimmed === '' || trimmed === 'unknown' ? null : trimmed
}

function positive(value: number | null | undefined): number | null {
  return typeof value === 'number' && value > 0 ? Math.round(value) : null
}

async function orNull<T>(promise: Promise<T>): Promise<T | null> {
  return promise.catch(() => null)
}
