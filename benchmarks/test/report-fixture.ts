import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import {
  type BenchRecord,
  type Contender,
  type Environment,
  type QualityRecord,
  recordId,
  runName,
  writeQuality,
} from '../src/records/index.ts'
import { limitOf } from '../src/statistics/index.ts'

/** Invented runs that look like real ones. Nothing here was measured, and nothing of it may be published. */
export interface FixtureOptions {
  machine?: string
  suite?: string
  date?: string
  commit?: string
  seed?: number
  processes?: number
  shapes?: typeof SHAPES
  columns?: readonly number[]
  sparsities?: readonly number[]
}

export const SHAPES = [
  { model: 'bert-base', layer: 'ffn.in', m: 3072, k: 768 },
  { model: 'bert-base', layer: 'ffn.out', m: 768, k: 3072 },
  { model: 'minilm-l6', layer: 'ffn.in', m: 1536, k: 384 },
  { model: 'llama-2-7b', layer: 'attn.q', m: 4096, k: 4096 },
]
export const SPARSITIES = [0, 0.2, 0.5, 0.7, 0.8, 0.9, 0.95]

const PEAKS = [
  { name: 'wasm-relaxed', threads: 1, flopsPerSecond: 54e9, bytesPerSecond: 14e9 },
  { name: 'wasm-base', threads: 1, flopsPerSecond: 37e9, bytesPerSecond: 14e9 },
  { name: 'js', threads: 1, flopsPerSecond: 3.2e9, bytesPerSecond: 9e9 },
  { name: 'native', threads: 1, flopsPerSecond: 205e9, bytesPerSecond: 17e9 },
]

interface Profile extends Omit<Contender, 'settings' | 'threads'> {
  peak: number
  /** Share of its peak that it reaches at half density. */
  share: number
}
const kernel = (name: string, of: string, method: Contender['method'], peak: number, share: number): Profile => {
  return { type: 'kernel', name, class: of, method, version: '0.1.0', dtype: 'f32', peak, share }
}
const baseline = (
  name: string,
  of: string,
  method: Contender['method'],
  peak: number,
  share: number,
  dtype = 'f32',
): Profile => {
  return { type: 'baseline', name, class: of, method, version: '1.30.0', dtype, peak, share }
}
const PROFILES = [
  kernel('spmm_csr_f32__wasm_relaxed', 'nnz-wasm', 'sparse', 0, 0.82),
  kernel('spmm_csr_f32__wasm_base', 'nnz-wasm', 'sparse', 1, 0.9),
  kernel('spmm_csr_f32__js_blocked', 'nnz-js', 'sparse', 2, 0.7),
  kernel('gemm_dense_f32__wasm_relaxed', 'nnz-wasm', 'dense', 0, 0.95),
  kernel('gemm_dense_f32__js_blocked', 'nnz-js', 'dense', 2, 0.8),
  baseline('onnxruntime-web', 'wasm', 'dense', 1, 0.85),
  baseline('onnxruntime-web', 'wasm', 'dense', 1, 2.1, 'q8'),
  baseline('tfjs-wasm', 'wasm', 'dense', 1, 0.78),
  baseline('onnxruntime-node', 'native', 'dense', 3, 0.85),
  baseline('torch-csr', 'native', 'sparse', 3, 0.11),
  baseline('mathjs', 'js', 'sparse', 2, 0.03),
]

export function makeEnvironment(options: FixtureOptions = {}): Environment {
  const {
    machine = 'fixture-laptop',
    suite = 'quick',
    date = '2026-11-20T10:00:00.000Z',
    commit = 'a'.repeat(40),
  } = options
  return {
    machine,
    suite,
    shard: null,
    date,
    cpu: {
      model: 'Imaginary Core 9000',
      physicalCores: 4,
      logicalCores: 8,
      features: ['avx2', 'avx512f', 'fma'],
      governor: 'performance',
      caches: { l1d: 49152, l1i: 32768, l2: 2097152, l3: 33554432 },
    },
    memory: 34359738368,
    os: { platform: 'linux', arch: 'x64', name: 'Debian GNU/Linux', version: '12', kernel: '6.1.0' },
    runtime: { name: 'node', version: '24.21.0', v8: '13.6.233.17-node.40' },
    wasm: { simd: true, relaxed: true, threads: true },
    gpu: null,
    loadAverage: 0.21,
    source: { commit, dirty: false, version: '0.1.0', bench: 'b'.repeat(64), kernels: { spmm: 'c'.repeat(64) } },
    peaks: PEAKS,
  }
}

export function makeRecords(options: FixtureOptions = {}): BenchRecord[] {
  const { seed = 1, processes = 1, shapes = SHAPES, columns = [1, 16, 128], sparsities = SPARSITIES } = options
  const generator = xoroshiro128plus(seed)
  const random = () => uniformFloat64(generator)
  const records: BenchRecord[] = []
  for (const { model, layer, m, k } of shapes)
    for (const n of columns)
      for (const sparsity of sparsities) {
        const workloadId = `${model}/${layer}/n${n}/uniform/${sparsity.toFixed(2)}`
        for (const [order, profile] of PROFILES.entries()) {
          const { peak: peakIndex, share, ...rest } = profile
          const contender: Contender = { ...rest, settings: {}, threads: 1 }
          const peak = PEAKS[peakIndex]!
          const nnz = Math.round(m * k * (1 - sparsity))
          const [flops, denseFlops] = [2 * nnz * n, 2 * m * k * n]
          const dense = contender.method === 'dense'
          const bytesPerWeight = dense ? 4 : 6 * (1 - sparsity)
          const bytes = m * k * bytesPerWeight + 4 * n * (m + k)
          const done = dense ? denseFlops : flops
          const eased = share * (dense ? 1 : 1 - 0.25 * sparsity ** 3) * (n === 1 ? 0.5 : 1)
          const ns =
            Math.max((done / (peak.flopsPerSecond * eased)) * 1e9, (bytes / peak.bytesPerSecond) * 1.1e9) + 2000
          const fails = contender.name === 'tfjs-wasm' && n === 1
          const status = fails ? 'unsupported' : contender.name === 'mathjs' && m === 4096 ? 'timeout' : 'passed'
          const passed = status === 'passed'
          records.push({
            id: recordId(workloadId, contender, 'hot'),
            operation: 'spmm',
            workload: {
              id: workloadId,
              model,
              layer,
              source: `${model}, ${layer}`,
              phase: n === 1 ? 'decode' : 'prefill',
              pattern: 'uniform',
              seed: 7,
            },
            problem: { sparsity, m, k, n, nnz, layout: 'csr' },
            contender,
            cache: 'hot',
            status,
            reason: passed ? null : fails ? 'needs at least two columns' : 'took longer than 10 s',
            error: passed ? { maxAbs: 2e-6 * random(), rms: 3e-7, bound: 4e-6 } : null,
            samples: passed
              ? Array.from({ length: processes }, () => {
                  const drift = 1 + 0.02 * random()
                  return Array.from({ length: 11 }, () => Math.round(ns * drift * (1 + 0.05 * random() ** 3)))
                })
              : [],
            iterations: passed ? 4 : null,
            warmup: passed ? 20 : null,
            order: passed ? Array.from({ length: processes }, () => order) : [],
            flops,
            denseFlops,
            bytes,
            planning: passed && contender.type === 'kernel' ? Math.round(ns * 4) : null,
            packing: passed && contender.type === 'kernel' ? Math.round(ns * 0.07) : null,
            kernel: passed && contender.type === 'kernel' ? Math.round(ns * 0.9) : null,
            transfer: null,
            packedBytes: contender.type === 'kernel' ? Math.round(m * k * bytesPerWeight) : null,
            bytesPerWeight,
            limit: contender.dtype === 'q8' ? null : limitOf(dense ? denseFlops : flops, bytes, peak),
          })
        }
      }
  return records
}

/** Writes one run the way the store would. */
export async function writeRun(folder: string, options: FixtureOptions = {}): Promise<string> {
  const environment = makeEnvironment(options)
  await mkdir(join(folder, environment.machine), { recursive: true })
  const path = join(folder, environment.machine, `${runName(environment)}.json`)
  await writeFile(path, JSON.stringify({ schema: 1, environment, records: makeRecords(options) }))
  return path
}

/** Invented judgements of two methods on two layers. */
export function makeQuality(): QualityRecord[] {
  return ['magnitude', 'wanda'].flatMap((method, better) =>
    ['layer0', 'layer1'].flatMap((layer, deeper) =>
      [0, 0.5, 0.9].map((sparsity) => ({
        kind: 'quality' as const,
        operation: 'nm-gemm',
        model: 'fixture-net',
        layer,
        method,
        sparsity,
        data: '64 invented sentences',
        seed: 1,
        metrics: {
          'relative error': sparsity * (0.4 - 0.1 * better + 0.02 * deeper),
          perplexity: sparsity === 0.9 ? null : 25 + 10 * sparsity,
        },
      })),
    ),
  )
}

/** Invented judgements of a whole network, with intervals and speed; the dense one beside it. */
export function makeFrontier(): QualityRecord[] {
  const record = (method: string, sparsity: number, score: number, rate: number): QualityRecord => ({
    kind: 'quality',
    operation: 'encoder',
    model: 'fixture-encoder',
    layer: null,
    method,
    sparsity,
    data: 'pairs.csv (SHA-256 0123456789ab): 90 pairs; pruned on 64 sentences of text.txt (SHA-256 ba9876543210)',
    seed: null,
    metrics: {
      'Spearman x 100': score,
      'Spearman x 100 low': score - 1,
      'Spearman x 100 high': score + 1.5,
      'sentences/s (32 x 64 tokens, 1 thread)': rate,
      'MB of weights': 40 * (1 - sparsity) + 2,
    },
  })
  return [
    record('dense', 0, 86, 100),
    record('magnitude unstructured', 0.5, 80, 150),
    record('magnitude unstructured', 0.7, 60, 290),
    record('sparsegpt unstructured', 0.5, 85.5, 160),
    record('sparsegpt unstructured', 0.7, 82, 300),
    record('sparsegpt 2:4', 0.5, 84, 140),
  ]
}

/** Writes them the way that `nnz-bench` does. */
export function writeJudgements(folder: string, options: FixtureOptions = {}): Promise<string> {
  return writeQuality(folder, makeEnvironment({ suite: 'evidence', ...options }), [...makeQuality(), ...makeFrontier()])
}
