import { type Allocation, type Method, type Pattern, patternName } from '@nnz/prune'

/** A part of a training: prune to a sparsity, then distil for some steps. */
export interface DistillationStage {
  /** Where the pattern leaves it open. */
  readonly sparsity?: number
  readonly steps: number
}

/** One network to be judged. */
export interface EncoderPoint {
  /** `zeroed`: with every matrix 0, which shows what the score is worth. */
  readonly method: Method | 'dense' | 'zeroed'
  readonly pattern?: Pattern
  /** Where the pattern leaves it open. */
  readonly sparsity?: number
  /** Default: the same share of every layer. */
  readonly allocation?: Exclude<Allocation, object>
  /** For `sparsegpt`: better masks and weights for several times the time. */
  readonly refine?: boolean
  /** Distilled from the dense network, by stages; the last one has the point's sparsity. */
  readonly distilled?: readonly DistillationStage[]
}

const UNSTRUCTURED: Pattern = { kind: 'unstructured' }
const TWO_OF_FOUR: Pattern = { kind: 'nm', n: 2, m: 4 }
const SPARSITIES = [0.5, 0.7, 0.9, 0.6, 0.8, 0.95, 0.4, 0.3, 0.2, 0.1]
const METHODS = ['sparsegpt', 'wanda', 'magnitude'] as const

/** The frontier without training, those points first that say most. */
export const ENCODER_POINTS: readonly EncoderPoint[] = [
  { method: 'dense' },
  { method: 'zeroed' },
  ...METHODS.map((method) => ({ method, pattern: UNSTRUCTURED, sparsity: 0.5 })),
  ...METHODS.map((method) => ({ method, pattern: TWO_OF_FOUR })),
  ...SPARSITIES.slice(1).flatMap((sparsity) => METHODS.map((method) => ({ method, pattern: UNSTRUCTURED, sparsity }))),
  ...[0.6, 0.7, 0.9].map((sparsity) => refined(UNSTRUCTURED, sparsity)),
  refined(TWO_OF_FOUR),
  ...(['erk', 'sensitivity'] as const).map(
    (allocation): EncoderPoint => ({ method: 'sparsegpt', pattern: UNSTRUCTURED, sparsity: 0.7, allocation }),
  ),
  ...[0.5, 0.7, 0.9].map((sparsity): EncoderPoint => ({ method: 'dsnot', pattern: UNSTRUCTURED, sparsity })),
  { method: 'sparsegpt', pattern: { kind: 'grouped-nm', n: 2, m: 4, group: 2 } },
  { method: 'sparsegpt', pattern: { kind: 'nm', n: 1, m: 4 } },
  ...[0.5, 0.7].flatMap((sparsity): EncoderPoint[] => [
    { method: 'sparsegpt', pattern: { kind: 'column-vector', height: 4 }, sparsity },
    { method: 'sparsegpt', pattern: { kind: 'block', height: 4, width: 4 }, sparsity },
  ]),
]

/** What is distilled: minutes each. */
export const DISTILLED_POINTS: readonly EncoderPoint[] = [
  { ...refined(UNSTRUCTURED, 0.9), distilled: [{ sparsity: 0.9, steps: 320 }] },
  { ...refined(UNSTRUCTURED, 0.7), distilled: [{ sparsity: 0.7, steps: 150 }] },
  { ...refined(TWO_OF_FOUR), distilled: [{ steps: 60 }] },
  { ...refined(UNSTRUCTURED, 0.5), distilled: [{ sparsity: 0.5, steps: 40 }] },
]

function refined(pattern: Pattern, sparsity?: number): EncoderPoint {
  return { method: 'sparsegpt', pattern, ...(sparsity === undefined ? {} : { sparsity }), refine: true }
}

/** How records call a point. */
export function encoderPointName({ method, pattern, allocation, refine, distilled }: EncoderPoint): string {
  if (!pattern) return method
  const options = [allocation, refine ? 'refined' : undefined].filter((option) => option !== undefined)
  const name = [`${method} ${patternName(pattern)}`, ...options].join(', ')
  if (!distilled) return name
  return `${name} + distilled ${distilled.reduce((sum, { steps }) => sum + steps, 0)} steps`
}
