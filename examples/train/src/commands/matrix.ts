import { fileURLToPath } from 'node:url'
import { wasmFeatures } from '@nnz/core'
import { captureEnvironment } from '../../../../benchmarks/dist/environment/index.js'
import { type QualityRecord, writeQuality } from '../../../../benchmarks/dist/records/index.js'
import { type DatasetName, loadTask } from '../data/load.ts'
import type { MethodName } from '../methods.ts'
import { NETWORKS, type NetworkName } from '../networks.ts'
import { type TrainOptions, type TrainResult, train } from '../train.ts'
import { progressBar } from './bar.ts'

/** Options of the command. */
export interface MatrixOptions
  extends Pick<TrainOptions, 'steps' | 'batch' | 'learningRate' | 'seed' | 'recipe' | 'changeEvery'> {
  readonly dataset: DatasetName
  readonly data?: string
  readonly models?: readonly NetworkName[]
  readonly methods: readonly MethodName[]
  readonly sparsity: readonly number[]
  readonly machine: string
  readonly out: string
}

/** Figures under names that say their unit. */
export function metricsOf(result: TrainResult, samples: number): Record<string, number> {
  return {
    accuracy: result.accuracy,
    loss: result.loss,
    'ms per step': result.millisecondsPerStep,
    'MFLOP per step': result.flopsPerStep / 1e6,
    'average parameters': result.averageParameters,
    parameters: result.parameters,
    'peak bytes': result.peakBytes,
    samples,
  }
}

/** Every training of a matrix: dense once, the others at each sparsity, all with one seed and as many steps. */
export function trainings(
  options: MatrixOptions,
  text: boolean,
): { model: NetworkName; method: MethodName; sparsity: number }[] {
  const fitting = NETWORKS.filter((name) => (name === 'char-transformer') === text)
  return (options.models ?? fitting).flatMap((model) =>
    options.methods.flatMap((method) =>
      (method === 'dense' ? [0] : options.sparsity).map((sparsity) => ({ model, method, sparsity })),
    ),
  )
}

/** Trains a matrix one after another and writes its records. What was trained before an interruption is written, too. */
export async function matrix(options: MatrixOptions): Promise<void> {
  const task = await loadTask(options.dataset, options.data)
  const all = trainings(options, task.context > 0)
  const here = fileURLToPath(new URL('../..', import.meta.url))
  const environment = await captureEnvironment({
    machine: options.machine,
    suite: `train-${options.dataset}`,
    wasm: wasmFeatures(),
    kernels: {},
    peaks: [],
    packageFolder: here,
    codeFolder: fileURLToPath(new URL('..', import.meta.url)),
    version: '0.0.0',
  })
  const records: QualityRecord[] = []
  let path = ''
  for (const [i, one] of all.entries()) {
    const bar = progressBar(`${i + 1}/${all.length} ${one.model} ${one.method} ${one.sparsity}`, options.steps)
    const never = options.steps + 1
    const rest = { evaluateEvery: never, checkpointEvery: never, resume: false }
    const result = await train(task, { ...options, ...rest, ...one }, bar.onStep)
    bar.stop()
    records.push({
      kind: 'quality',
      operation: 'train',
      model: one.model,
      layer: null,
      method: one.method,
      sparsity: one.sparsity,
      data: `${task.description}; ${options.steps} steps of ${options.batch}, ${options.recipe} recipe`,
      seed: options.seed,
      metrics: metricsOf(result, options.steps * options.batch * Math.max(1, task.context)),
    })
    path = await writeQuality(options.out, environment, records)
  }
  console.log(path)
}
