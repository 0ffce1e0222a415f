import { modelFile } from '../models/index.ts'
import { type Layer, layers } from './layers.ts'
import { prunedWorkloads, trainedWorkloads } from './real-weights.ts'
import { createWorkload, type Pattern, type ProductWorkload } from './workload.ts'

const SPARSITIES = [0.2, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98]
/** Rows of different lengths, and blocks, are measured on these layers. */
const STRUCTURED_LAYERS = ['bert-base/ffn-up', 'bert-base/ffn-down', 'llama-2-7b/attention']
const STRUCTURED_COLUMNS = [1, 16, 128]
const STRUCTURED_SPARSITIES = [0.5, 0.7, 0.9, 0.95]
const BLOCK_SHAPES = [
  [4, 4],
  [16, 16],
  [32, 32],
  [64, 64],
] as const

/** The ids of the quick suite with their sparsities; none stands for those that the workload has itself. */
const QUICK: Readonly<Record<string, readonly number[] | null>> = {
  'bert-base/ffn-up/n128/uniform': [0.5, 0.7, 0.9, 0.95],
  'bert-base/ffn-down/n128/uniform': [0.9],
  'minilm-l6/ffn-up/n128/uniform': [0.9],
  'bert-base/ffn-up/n1/uniform': [0.9],
  'bert-base/ffn-up/n16/uniform': [0.9],
  'bert-base/ffn-up/n128/uneven': [0.9],
  'bert-base/ffn-up/n128/block-32x32': [0.9],
  'all-minilm-l6-v2/layer0-ffn-up/n128/magnitude': [0.9],
  'opus-dred/dec_gru5_input/n16/trained': null,
}

/** What must be done before a workload can be measured; undefined where nothing is missing. */
export function missingFor({ pattern }: ProductWorkload): string | undefined {
  if (pattern.kind !== 'magnitude' && pattern.kind !== 'trained') return undefined
  return modelFile(pattern.model, pattern.file)
    ? undefined
    : `${pattern.model} is not in the cache: nnz-bench models fetch ${pattern.model}`
}

/** The points that say most of products with unstructured and block-sparse weights, most telling first. */
export function quickWorkloads(): ProductWorkload[] {
  const all = new Map(fullWorkloads().map((workload) => [workload.id, workload]))
  return Object.entries(QUICK).map(([id, sparsities]) => {
    const workload = all.get(id)
    if (!workload) throw new Error(`the quick suite names ${id}, which does not exist`)
    return sparsities ? { ...workload, sparsities } : workload
  })
}

/** Every layer with every pattern of unstructured and block-sparse weights. */
export function fullWorkloads(): ProductWorkload[] {
  const structured = layers.filter(({ model, layer }) => STRUCTURED_LAYERS.includes(`${model}/${layer}`))
  const patterns: Pattern[] = [
    { kind: 'uneven' },
    ...BLOCK_SHAPES.map((blockShape) => ({ kind: 'block', blockShape }) as const),
  ]
  return [
    ...withoutRepetition(
      layers.flatMap((layer) => layer.columns.map((n) => fromLayer(layer, n, { kind: 'uniform' }, SPARSITIES))),
    ),
    ...structured.flatMap((layer) =>
      STRUCTURED_COLUMNS.flatMap((n) => patterns.map((pattern) => fromLayer(layer, n, pattern, STRUCTURED_SPARSITIES))),
    ),
    ...prunedWorkloads(SPARSITIES),
    ...trainedWorkloads(),
  ]
}

function fromLayer(
  { model, layer, m, k, phase, source }: Layer,
  n: number,
  pattern: Pattern,
  sparsities: readonly number[],
): ProductWorkload {
  const layout = pattern.kind === 'block' ? 'bsr' : 'csr'
  return createWorkload({ model, layer, source, phase: phase(n), m, k, n, layout, pattern, sparsities })
}

/** Layers of several models have one shape: the first stands for all, and its source names the others. */
function withoutRepetition(workloads: readonly ProductWorkload[]): ProductWorkload[] {
  const byShape = Map.groupBy(workloads, ({ m, k, n }) => `${m}x${k}x${n}`)
  return [...byShape.values()].map(([first, ...others]) => {
    const same = others.map(({ model, layer }) => `${model}/${layer}`).join(', ')
    return same ? { ...first, source: `${first.source}; the same in ${same}` } : first
  })
}
