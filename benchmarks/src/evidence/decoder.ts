import type { Decoder } from '@nnz/models'
import { DecoderTuning, restoreTraining, saveTraining, TrainableDecoder } from '@nnz/models/training'
import { type Method, type Pattern, patternName, pruneNetwork } from '@nnz/prune'
import type { QualityRecord } from '../records/index.ts'
import { decodeSpeed } from './decode-speed.ts'
import type { LongRun } from './long-run.ts'
import { perplexityOf, type WindowSurprise } from './window-surprise.ts'

/** One network to be judged: dense or pruned, as it is or tuned afterwards. */
export interface DecoderPoint {
  readonly method: Method | 'dense'
  readonly pattern?: Pattern
  /** Where the pattern leaves it open. */
  readonly sparsity?: number
  readonly tuned?: boolean
}

/** Windows of tokens, and what they are. */
export interface NamedWindows {
  readonly name: string
  readonly windows: readonly (readonly number[])[]
}

/** What is judged, on what. */
export interface DecoderEvidenceOptions extends LongRun {
  readonly model: string
  /** Dense, and changed on the way. */
  readonly decoder: Decoder
  /** The same, for tuning to learn from. */
  readonly teacher: Decoder
  readonly points: readonly DecoderPoint[]
  /** What pruning measures inputs on. */
  readonly calibration: readonly (readonly number[])[]
  /** What tells the texts and settings of this run from others: kept weights of another run are not taken. */
  readonly run: string
  readonly judged: readonly NamedWindows[]
  readonly tuning: {
    readonly windows: readonly (readonly number[])[]
    readonly tokens: number
    readonly steps: number
    readonly learningRate: number
  }
  readonly seed: number
  readonly onProgress: (step: string) => void
}

/** A checkpoint is as large as the weights, their means and their squares. */
const CHECKPOINT_STEPS = 10

const UNSTRUCTURED: Pattern = { kind: 'unstructured' }
const TWO_OF_FOUR: Pattern = { kind: 'nm', n: 2, m: 4 }
const METHODS = ['sparsegpt', 'wanda', 'magnitude'] as const

/** Every method at every sparsity. */
function unstructured(...sparsities: readonly number[]): DecoderPoint[] {
  return sparsities.flatMap((sparsity) => METHODS.map((method) => ({ method, pattern: UNSTRUCTURED, sparsity })))
}

function structured(...patterns: readonly Pattern[]): DecoderPoint[] {
  return patterns.flatMap((pattern) => METHODS.map((method) => ({ method, pattern })))
}

/** The frontier and the points that are tuned, those first that say most. */
export const DECODER_POINTS: readonly DecoderPoint[] = [
  { method: 'dense' },
  ...unstructured(0.5, 0.3, 0.4),
  ...structured(TWO_OF_FOUR),
  { method: 'sparsegpt', pattern: UNSTRUCTURED, sparsity: 0.5, tuned: true },
  { method: 'dense', tuned: true },
  { method: 'sparsegpt', pattern: TWO_OF_FOUR, tuned: true },
  ...unstructured(0.6, 0.2, 0.7),
  ...structured({ kind: 'nm', n: 4, m: 8 }, { kind: 'grouped-nm', n: 2, m: 4, group: 2 }),
]

/** How records call a point. */
export function pointName({ method, pattern, tuned }: DecoderPoint, steps: number): string {
  const base = pattern ? `${method} ${patternName(pattern)}` : method
  if (!tuned) return base
  return `${base} + ${method === 'dense' ? 'tuned' : 'distilled'} ${steps} steps`
}

/** Perplexity, decoding speed and size of a decoder at every point. Points that are known already are left out. */
export async function decoderEvidence(options: DecoderEvidenceOptions): Promise<void> {
  const run = new DecoderRun(options)
  for (const point of options.points) await run.measure(point)
}

class DecoderRun {
  readonly #options: DecoderEvidenceOptions
  readonly #weights: ReadonlyMap<string, Float32Array>
  readonly #norms: readonly Float32Array[]
  /** The dense network's, by the name of the windows. */
  readonly #dense = new Map<string, number>()
  /** The teacher's states of the windows that were learnt on. */
  readonly #taught = new Map<readonly number[], Float32Array>()

  constructor(options: DecoderEvidenceOptions) {
    this.#options = options
    this.#weights = new Map(options.decoder.linearLayers.map(({ name, weights }) => [name, weights]))
    this.#norms = normsOf(options.decoder).map((norm) => norm.slice())
    for (const { method, data, metrics } of options.known)
      if (method === 'dense') this.#dense.set(data, metrics.perplexity!)
  }

  async measure(point: DecoderPoint): Promise<void> {
    const { judged, tuning, decoder, onProgress, known } = this.#options
    const name = pointName(point, tuning.steps)
    const label = `${name}${point.sparsity === undefined ? '' : ` at ${point.sparsity}`}`
    const missing = judged.filter(({ name: data }) => !known.some((record) => isOf(record, name, point, data)))
    if (missing.length === 0) return
    this.#reset()
    onProgress(label)
    const metrics: Record<string, number | null> = {}
    if (point.method !== 'dense') metrics['prune s'] = await this.#prune(point, point.method)
    if (point.tuned) metrics['tune s'] = await this.#tune(label)
    const all = [...this.#weights.values()].reduce((sum, { length }) => sum + length, 0)
    const sparsity = zerosOf(decoder) / all
    const judgements = missing.map(({ name: data, windows }) => {
      onProgress(`${label}: perplexity on ${data}`)
      return { data, surprises: windows.map((window): WindowSurprise => surpriseOf(decoder, window)) }
    })
    decoder.release()
    onProgress(`${label}: decoding`)
    Object.assign(metrics, decodeSpeed(decoder, missing[0].windows[0]))
    decoder.release()
    for (const { data, surprises } of judgements) {
      const { value, low, high } = perplexityOf(surprises)
      if (name === 'dense') this.#dense.set(data, value)
      const dense = this.#dense.get(data)
      await this.#options.onRecord({
        kind: 'quality',
        operation: 'decoder',
        model: this.#options.model,
        layer: null,
        method: name,
        sparsity,
        data,
        seed: point.tuned ? this.#options.seed : null,
        metrics: {
          perplexity: value,
          'perplexity low': low,
          'perplexity high': high,
          'perplexity / dense': dense === undefined ? null : value / dense,
          ...metrics,
        },
      })
      onProgress(
        `${label}: ${value.toFixed(2)} on ${data}${dense ? `, ${(value / dense).toFixed(3)} times dense` : ''}`,
      )
    }
  }

  #reset(): void {
    const { decoder } = this.#options
    for (const layer of decoder.linearLayers) layer.set(this.#weights.get(layer.name)!)
    for (const [i, norm] of normsOf(decoder).entries()) norm.set(this.#norms[i])
  }

  /** Seconds that it took; null where that is not known. */
  async #prune({ pattern = UNSTRUCTURED, sparsity }: DecoderPoint, method: Method): Promise<number | null> {
    const { decoder, calibration, keep, points, onProgress } = this.#options
    const name = this.#fileName(`${method} ${patternName(pattern)} ${sparsity ?? ''}`.trim())
    const kept = await keep.load(name)
    if (kept) {
      takeMasked(decoder, kept)
      return this.#seconds(name)
    }
    const start = performance.now()
    await pruneNetwork(decoder.prunable(calibration), {
      method,
      pattern,
      sparsity,
      measure: false,
      onProgress: ({ done, total, layer }) => {
        if (done % 35 === 0) onProgress(`${method} ${patternName(pattern)}: ${done} of ${total} layers, ${layer.name}`)
      },
    })
    const later = points.some((point) => isBase(point, method, pattern, sparsity))
    const seconds = (performance.now() - start) / 1000
    if (later) {
      await keep.save(name, maskedWeights(decoder))
      await this.#keepSeconds(name, seconds)
    }
    return seconds
  }

  #fileName(label: string): string {
    return `${this.#options.run}-${label.replaceAll(/[^\w.]+/g, '-')}`
  }

  async #seconds(name: string): Promise<number | null> {
    const kept = await this.#options.keep.load(`${name}.seconds`)
    return kept ? Number(new TextDecoder().decode(kept)) : null
  }

  #keepSeconds(name: string, seconds: number): Promise<void> {
    return this.#options.keep.save(`${name}.seconds`, new TextEncoder().encode(String(seconds)))
  }

  /** Seconds that it took. */
  async #tune(label: string): Promise<number> {
    const { decoder, teacher, tuning, seed, keep, onProgress } = this.#options
    let start = performance.now()
    const student = new TrainableDecoder(decoder)
    decoder.release()
    const run = new DecoderTuning({ teacher, student, ...tuning, seed, taught: this.#taught })
    const name = `${this.#fileName(label)}.checkpoint`
    const { steps, ...fixed } = tuning
    const id = JSON.stringify({ label, seed, steps, ...fixed, windows: fixed.windows.length })
    const kept = await keep.load(name)
    if (kept && restoreTraining(kept, student.parameters, run.optimiser, id, name)) {
      onProgress(`${label}: goes on`)
      start -= 1000 * ((await this.#seconds(name)) ?? 0)
    }
    const seconds = () => (performance.now() - start) / 1000
    while (!run.done) {
      const { step, surprise, divergence } = run.step()
      if (step % CHECKPOINT_STEPS === 0 && !run.done) {
        await keep.save(name, saveTraining(student.parameters, run.optimiser, id))
        await this.#keepSeconds(name, seconds())
      }
      onProgress(
        `${label}: step ${step} of ${tuning.steps}: ${surprise.toFixed(3)} nats, ${divergence.toFixed(3)} from the teacher, ${Math.round(seconds())} s`,
      )
    }
    student.writeTo(decoder)
    student.dispose()
    run.dispose()
    return seconds()
  }
}

/** Whether a point goes on from the network that was pruned so. */
function isBase(point: DecoderPoint, method: Method, pattern: Pattern, sparsity: number | undefined): boolean {
  const same = point.method === method && point.sparsity === sparsity
  return same && point.tuned === true && patternName(point.pattern ?? UNSTRUCTURED) === patternName(pattern)
}

function isOf(record: QualityRecord, name: string, { sparsity, tuned }: DecoderPoint, data: string): boolean {
  const near = sparsity === undefined || Math.abs(record.sparsity - sparsity) < 0.01
  return record.method === name && record.data === data && (near || tuned === true)
}

function normsOf({ blocks, norm }: Decoder): Float32Array[] {
  return [...blocks.flatMap(({ attentionNorm, innerNorm }) => [attentionNorm, innerNorm]), norm]
}

function zerosOf({ linearLayers }: Decoder): number {
  let zeros = 0
  for (const { weights } of linearLayers) for (let i = 0; i < weights.length; i++) if (weights[i] === 0) zeros++
  return zeros
}

function surpriseOf(decoder: Decoder, window: readonly number[]): WindowSurprise {
  return { surprise: decoder.surprise(window), judged: window.length - 1 }
}

/** The weights of all linear layers, one after another. */
function maskedWeights({ linearLayers }: Decoder): Uint8Array {
  const all = new Float32Array(linearLayers.reduce((sum, { rows, columns }) => sum + rows * columns, 0))
  let at = 0
  for (const { weights } of linearLayers) {
    all.set(weights, at)
    at += weights.length
  }
  return new Uint8Array(all.buffer)
}

function takeMasked({ linearLayers }: Decoder, bytes: Uint8Array): void {
  const all = new Float32Array(bytes.slice().buffer)
  let at = 0
  for (const layer of linearLayers) {
    const size = layer.rows * layer.columns
    layer.set(all.slice(at, at + size))
    at += size
  }
}
