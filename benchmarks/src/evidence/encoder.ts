import type { Encoder, EncoderConfig, WeightSource } from '@nnz/models'
import { Distillation, restoreTraining, saveTraining, TrainableEncoder } from '@nnz/models/training'
import { pruneNetwork } from '@nnz/prune'
import type { SentencePair } from '../networks/scores.ts'
import type { QualityRecord } from '../records/index.ts'
import { encodeSpeed } from './encode-speed.ts'
import { type DistillationStage, type EncoderPoint, encoderPointName } from './encoder-points.ts'
import type { LongRun } from './long-run.ts'
import { type Estimate, SimilarityJudge } from './similarity.ts'

/** What is judged, on what. */
export interface EncoderEvidenceOptions extends LongRun {
  readonly model: string
  /** The dense network's tensors. */
  readonly source: WeightSource
  readonly config: EncoderConfig
  /** Makes an encoder of tensors. */
  readonly read: (source: WeightSource) => Promise<Encoder>
  readonly points: readonly EncoderPoint[]
  /** Tokens of the sentences on which pruning measures inputs. */
  readonly calibration: readonly (readonly number[])[]
  readonly distillation: {
    /** Tokens of the sentences that are learnt from. */
    readonly sequences: readonly (readonly number[])[]
    /** The most of a step. */
    readonly tokens: number
    readonly learningRate: number
    readonly warmup: number
    readonly seed: number
  }
  readonly pairs: readonly SentencePair[]
  /** Of the pairs' sentences, in their order. */
  readonly pairTokens: readonly (readonly number[])[]
  /** Which pairs they are. */
  readonly data: string
  /** @param detail of the point: the step and its loss */
  readonly onProgress: (done: number, point: string, detail: string) => void
}

const CHECKPOINT_STEPS = 20
const METRICS = ['spearman', 'change', 'cosine'] as const
const METRIC_NAMES = { spearman: 'Spearman x 100', change: 'Spearman x 100 - dense', cosine: 'cosine to dense' }

/**
 * Sentence similarity, speed and size of an encoder at every point. Points that are known already are left out; distillation
 * goes on from its last checkpoint.
 */
export async function encoderEvidence(options: EncoderEvidenceOptions): Promise<void> {
  const { points, read, source, pairs, pairTokens, data, known, onProgress, onRecord, model } = options
  const missing = points.filter((point) => !known.some((record) => isOf(record, point, data)))
  if (missing.length === 0) return
  const dense = await read(source)
  const embeddings = dense.encodeTokens(pairTokens).data
  const judge = new SimilarityJudge(pairs, embeddings)
  const student = new Student(options, dense)
  for (const [done, point] of missing.entries()) {
    const name = encoderPointName(point)
    const label = point.sparsity === undefined ? name : `${name} at ${point.sparsity}`
    const { encoder, metrics } = await student.make(point, (detail) => onProgress(done, label, detail))
    const similarity = judge.judge(encoder.encodeTokens(pairTokens).data)
    for (const key of METRICS) Object.assign(metrics, withInterval(METRIC_NAMES[key], similarity[key]))
    Object.assign(metrics, encodeSpeed(encoder, pairTokens.flat()))
    await onRecord({
      kind: 'quality',
      operation: 'encoder',
      model,
      layer: null,
      method: name,
      sparsity: sparsityOf(encoder),
      data,
      seed: point.distilled ? options.distillation.seed : null,
      metrics,
    })
    const { spearman, change, cosine } = similarity
    onProgress(
      done,
      `${label}: ${[spearman, change].map(({ value }) => value.toFixed(2))}, ${cosine.value.toFixed(3)}`,
      '',
    )
    encoder.dispose()
  }
  dense.dispose()
}

/** Makes the networks of points out of the dense one. */
class Student {
  readonly #options: EncoderEvidenceOptions
  readonly #teacher: Encoder
  /** What the teacher said of sentences, for all students. */
  readonly #taught = new Map()

  constructor(options: EncoderEvidenceOptions, teacher: Encoder) {
    this.#options = options
    this.#teacher = teacher
  }

  /** The network of a point, and what making it took. */
  async make(point: EncoderPoint, onDetail: (detail: string) => void) {
    const { read, source } = this.#options
    const metrics: Record<string, number | null> = {}
    if (point.distilled) return { encoder: await this.#distil(point, point.distilled, metrics, onDetail), metrics }
    const start = performance.now()
    const encoder = await read(source)
    if (point.method === 'zeroed')
      for (const layer of encoder.linearLayers) layer.set(new Float32Array(layer.rows * layer.columns))
    else await this.#prune(encoder, point, point.sparsity, onDetail)
    metrics['prune s'] = (performance.now() - start) / 1000
    return { encoder, metrics }
  }

  async #prune(
    encoder: Encoder,
    { method, pattern, allocation, refine }: EncoderPoint,
    sparsity: number | undefined,
    onDetail: (detail: string) => void,
  ): Promise<void> {
    if (method === 'dense' || method === 'zeroed') return
    await pruneNetwork(encoder.prunable(this.#options.calibration), {
      method,
      pattern,
      sparsity,
      allocation,
      refine,
      measure: false,
      onProgress: ({ done, total }) => onDetail(`layer ${done} of ${total}`),
    })
  }

  async #distil(
    point: EncoderPoint,
    stages: readonly DistillationStage[],
    metrics: Record<string, number | null>,
    onDetail: (detail: string) => void,
  ): Promise<Encoder> {
    const { source, config, read } = this.#options
    let trained: WeightSource = source
    const started = await this.#lastStage(point, stages)
    const clock = await this.#clock(point)
    for (let stage = started ?? 0; stage < stages.length; stage++) {
      const student = await TrainableEncoder.read(
        stage === started ? source : await this.#pruned(trained, point, stages[stage].sparsity, onDetail),
        config,
      )
      await this.#train(point, stages, stage, student, async (detail, kept) => {
        onDetail(detail)
        if (kept) await clock.save()
      })
      student.dispose()
      trained = student
    }
    metrics['tune s'] = clock.seconds()
    return read(trained)
  }

  /** Counts the seconds of a training over all processes that had a part in it. */
  async #clock(point: EncoderPoint) {
    const { keep } = this.#options
    const name = `${fileName(point)}.seconds`
    const before = Number(new TextDecoder().decode((await keep.load(name)) ?? new Uint8Array()))
    const begin = performance.now()
    const seconds = () => before + (performance.now() - begin) / 1000
    return { seconds, save: () => keep.save(name, new TextEncoder().encode(seconds().toFixed(1))) }
  }

  /** The tensors of a network, its linear layers pruned. */
  async #pruned(
    from: WeightSource,
    point: EncoderPoint,
    sparsity: number | undefined,
    onDetail: (detail: string) => void,
  ): Promise<WeightSource> {
    const encoder = await this.#options.read(from)
    await this.#prune(encoder, point, sparsity, onDetail)
    const weights = new Map(encoder.linearLayers.map(({ name, weights }) => [`${name}.weight`, weights.slice()]))
    encoder.dispose()
    return {
      async read(name) {
        const tensor = await from.read(name)
        const data = weights.get(name)
        return data ? { ...tensor, data } : tensor
      },
    }
  }

  /** The last stage that has a checkpoint. */
  async #lastStage(point: EncoderPoint, stages: readonly DistillationStage[]): Promise<number | undefined> {
    for (let stage = stages.length - 1; stage >= 0; stage--)
      if (await this.#options.keep.load(checkpointName(point, stage))) return stage
    return undefined
  }

  async #train(
    point: EncoderPoint,
    stages: readonly DistillationStage[],
    stage: number,
    student: TrainableEncoder,
    onStep: (detail: string, kept: boolean) => Promise<void>,
  ): Promise<void> {
    const { distillation, keep } = this.#options
    const { sequences, seed, ...settings } = distillation
    const { steps } = stages[stage]
    const taught = this.#taught
    const run = new Distillation({
      teacher: this.#teacher,
      student,
      sequences,
      taught,
      steps,
      seed: seed + stage,
      ...settings,
    })
    const id = JSON.stringify({ point, stage, seed, sequences: sequences.length, ...settings })
    const name = checkpointName(point, stage)
    const kept = await keep.load(name)
    if (kept && !restoreTraining(kept, student.parameters, run.optimiser, id, name))
      throw new RangeError(`${name} is of another training: remove it, or choose another folder`)
    while (!run.done) {
      const { step, loss, embeddingLoss } = run.step()
      const due = step % CHECKPOINT_STEPS === 0 || run.done
      if (due) await keep.save(name, saveTraining(student.parameters, run.optimiser, id))
      const detail = `stage ${stage + 1} of ${stages.length}, step ${step} of ${steps}, loss ${loss.toFixed(3)}, cosine ${(1 - embeddingLoss).toFixed(3)}`
      await onStep(detail, due)
    }
  }
}

function fileName(point: EncoderPoint): string {
  return `encoder ${encoderPointName(point)} ${point.sparsity ?? ''}`.trim().replaceAll(/[^\w.]+/g, '-')
}

function checkpointName(point: EncoderPoint, stage: number): string {
  return `${fileName(point)}-stage-${stage + 1}.safetensors`
}

function withInterval(name: string, { value, low, high }: Estimate): Record<string, number> {
  return { [name]: value, [`${name} low`]: low, [`${name} high`]: high }
}

function isOf(record: QualityRecord, point: EncoderPoint, data: string): boolean {
  const near = point.sparsity === undefined || Math.abs(record.sparsity - point.sparsity) < 0.01
  return record.method === encoderPointName(point) && record.data === data && near
}

/** Share of zeros of the linear layers. */
function sparsityOf({ linearLayers }: Encoder): number {
  let [zeros, all] = [0, 0]
  for (const { weights } of linearLayers) {
    all += weights.length
    for (let i = 0; i < weights.length; i++) if (weights[i] === 0) zeros++
  }
  return zeros / all
}
