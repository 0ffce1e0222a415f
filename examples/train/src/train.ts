import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import {
  adamW,
  clipGradients,
  crossEntropy,
  flopsBetween,
  type Module,
  type Optimiser,
  PeakBytes,
  parameterCount,
  warmupCosine,
  workOf,
} from '@nnz/backprop/kit'
import { resolveBackend } from '@nnz/core'
import writeFileAtomic from 'write-file-atomic'
import { loadState, type Progress, saveState } from './checkpoint.ts'
import type { Batch, Task } from './data/task.ts'
import { createMethod, type MethodName } from './methods.ts'
import { type Metrics, openMetrics } from './metrics.ts'
import { createNetwork, type NetworkName } from './networks.ts'
import { readTensors, writeTensors } from './safetensors.ts'
import { smallScale } from './small.ts'

/** One training. */
export interface TrainOptions {
  readonly model: NetworkName
  readonly method: MethodName
  /** Share of zeros over the layers that may be sparse; not used by `dense`. */
  readonly sparsity: number
  readonly steps: number
  readonly batch: number
  readonly learningRate: number
  readonly seed: number
  /** Of the patterns alone. Default: `seed`. */
  readonly patternSeed?: number | undefined
  readonly recipe: RecipeName
  /** Steps between looks at the held data. */
  readonly evaluateEvery: number
  /** Steps between changes of the pattern. */
  readonly changeEvery: number
  readonly checkpoint?: string | undefined
  readonly checkpointEvery: number
  readonly resume: boolean
  readonly metrics?: string | undefined
}

/** What one training came to. */
export interface TrainResult {
  /** On the held data. */
  readonly accuracy: number
  readonly loss: number
  /** Median over the steps of this process, evaluation left out. */
  readonly millisecondsPerStep: number
  readonly flopsPerStep: number
  /** Stored parameters, averaged over the steps. */
  readonly averageParameters: number
  /** Stored parameters at the end. */
  readonly parameters: number
  /** Share of zeros at the end, over the layers that may be sparse. */
  readonly sparsity: number
  /** Most bytes of weights, packings, gradients, state and saved activations at one time. */
  readonly peakBytes: number
}

/** Hears of every step. */
export type StepListener = (step: number, loss: number, accuracy: number | undefined) => void

/**
 * Settings of training. What suits a dense network leaves a sparse one trained too little: it takes longer steps and no
 * decay ("Rethinking sparse optimization": sparse networks need recipes of their own).
 */
export const RECIPES = {
  dense: { rate: 1, weightDecay: 0.01, final: 0.05 },
  sparse: { rate: 2, weightDecay: 0, final: 0 },
}
export type RecipeName = keyof typeof RECIPES

const LARGEST_NORM = 1

/** Loss and share of right answers on data that are not trained on. */
export function judge(module: Module, batches: Iterable<Batch>): { loss: number; accuracy: number } {
  let [loss, correct, count] = [0, 0, 0]
  for (const { x, labels } of batches) {
    const result = crossEntropy(module.forward(x, { save: false }), labels)
    loss += result.loss * labels.length
    correct += result.correct
    count += labels.length
  }
  return { loss: loss / count, accuracy: correct / count }
}

/**
 * Trains a network, from the checkpoint on if it is asked to resume and there is one. A run that was interrupted and
 * resumed ends with the same bits as one that was not.
 */
export async function train(task: Task, options: TrainOptions, onStep: StepListener = () => {}): Promise<TrainResult> {
  const { model, method: name, seed, patternSeed = seed, steps, batch, sparsity, changeEvery: every } = options
  const { rate, weightDecay, final } = RECIPES[options.recipe]
  const learningRate = rate * options.learningRate
  const network = createNetwork(model, task, seed, name === 'small-dense' ? smallScale(task, options) : 1)
  const { module, layers } = network
  const optimiser = adamW({ learningRate, weightDecay })
  const schedule = warmupCosine({ peak: learningRate, steps, warmup: Math.ceil(steps / 20), final })
  const method = createMethod(network, { name, sparsity, steps, seed: patternSeed, every })
  const { name: backend, variant } = resolveBackend(undefined)
  const run = JSON.stringify({
    model,
    method: name,
    sparsity,
    steps,
    batch,
    learningRate,
    weightDecay,
    seed,
    patternSeed,
    every,
    data: task.description,
    // Other kernels may round otherwise.
    kernels: `${backend} ${variant}`,
  })
  method.begin()
  let progress = await resumed(options, module, optimiser, run)
  const metrics = await openMetrics(options.metrics, progress.step)
  const peak = new PeakBytes()
  const times: number[] = []
  let last = { loss: Number.NaN, accuracy: Number.NaN }
  for (let step = progress.step; step < steps; step++) {
    const { x, labels } = task.batch(seed, step, batch)
    const begin = performance.now()
    const before = workOf(module)
    method.before(step)
    const { loss, gradient, correct } = crossEntropy(module.forward(x, { input: false }), labels)
    // Between the passes most is held; counting it is no part of a step's time.
    const pause = performance.now()
    peak.look(module)
    const counted = performance.now() - pause
    module.backward(gradient, { input: false, everywhere: method.everywhere(step) })
    peak.look(module)
    clipGradients(module.parameters, LARGEST_NORM)
    if (!method.instead(step)) optimiser.step(module.parameters, schedule(step))
    times.push(performance.now() - begin - counted)
    progress = {
      step: step + 1,
      parameterSteps: progress.parameterSteps + parameterCount(module.parameters),
      peakBytes: Math.max(progress.peakBytes, peak.peak.total),
      flops: progress.flops + flopsBetween(before, workOf(module)),
    }
    const line: Metrics = { step: step + 1, loss, 'batch accuracy': correct / labels.length }
    const judged = (step + 1) % options.evaluateEvery === 0 || step + 1 === steps
    if (judged) last = judge(module, task.held(batch))
    await metrics.add(judged ? { ...line, 'held loss': last.loss, 'held accuracy': last.accuracy } : line)
    onStep(step + 1, loss, judged ? last.accuracy : undefined)
    if (options.checkpoint && ((step + 1) % options.checkpointEvery === 0 || step + 1 === steps))
      await writeFileAtomic(
        options.checkpoint,
        writeTensors(saveState(module.parameters, optimiser, progress, run)) as Buffer,
      )
  }
  if (times.length === 0) last = judge(module, task.held(batch))
  const places = layers.reduce((sum, { weight: { shape } }) => sum + shape[0] * shape[1], 0)
  const kept = layers.reduce((sum, { weight: { value } }) => sum + value.data.length, 0)
  return {
    ...last,
    millisecondsPerStep: times.sort((a, b) => a - b)[times.length >> 1] ?? Number.NaN,
    flopsPerStep: progress.flops / steps,
    averageParameters: progress.parameterSteps / steps,
    parameters: parameterCount(module.parameters),
    sparsity: 1 - kept / places,
    peakBytes: progress.peakBytes,
  }
}

async function resumed(
  { checkpoint, resume }: TrainOptions,
  module: Module,
  optimiser: Optimiser,
  run: string,
): Promise<Progress> {
  const nothing = { step: 0, parameterSteps: 0, peakBytes: 0, flops: 0 }
  if (!resume || checkpoint === undefined) return nothing
  const bytes = await readFile(checkpoint).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return bytes ? loadState(readTensors(bytes, basename(checkpoint)), module.parameters, optimiser, run) : nothing
}
