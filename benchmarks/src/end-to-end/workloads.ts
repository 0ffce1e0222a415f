import type { Pattern } from '@nnz/prune'
import { findModel, modelFile } from '../models/index.ts'
import { MINILM, SMOLLM2 } from '../networks/open.ts'
import type { Suite } from '../operations/operation.ts'
import { createNetworkWorkload, type NetworkWorkload } from './workload.ts'

const SPARSITIES = [0, 0.5, 0.7, 0.8, 0.9, 0.95]
const PATTERNS: readonly { readonly pattern: Pattern; readonly sparsities: readonly number[] }[] = [
  { pattern: { kind: 'unstructured' }, sparsities: SPARSITIES },
  { pattern: { kind: 'nm', n: 2, m: 4 }, sparsities: [0.5] },
  { pattern: { kind: 'grouped-nm', n: 2, m: 4, group: 2 }, sparsities: [0.5] },
]

const BATCHES = [1, 32]
const LENGTHS = [16, 64, 256, 512]
const CONTEXT = 128
const PROMPT = 512

/** The ids of the quick suite with their sparsities, most telling first. */
const QUICK: Readonly<Record<NetworkWorkload['operation'], Readonly<Record<string, readonly number[]>>>> = {
  encode: { 'all-minilm-l6-v2/encode/b1-t64/unstructured': [0, 0.9] },
  generate: { 'smollm2-135m-instruct/generate/decode-t128/unstructured': [0.5] },
}

/** The workloads of one of the operations on whole networks. */
export function networkWorkloads(operation: NetworkWorkload['operation'], suite: Suite): NetworkWorkload[] {
  const all = PATTERNS.flatMap((pattern) => (operation === 'encode' ? encodings(pattern) : generations(pattern)))
  if (suite === 'full') return all
  return Object.entries(QUICK[operation]).map(([id, sparsities]) => {
    const workload = all.find((candidate) => candidate.id === id)
    if (!workload) throw new Error(`the quick suite names ${id}, which does not exist`)
    return { ...workload, sparsities, brief: true }
  })
}

type PatternPoints = (typeof PATTERNS)[number]

function encodings(points: PatternPoints): NetworkWorkload[] {
  const source = 'all-MiniLM-L6-v2, every linear layer pruned by magnitude'
  return BATCHES.flatMap((batch) =>
    LENGTHS.map((tokens) =>
      createNetworkWorkload({ operation: 'encode', model: MINILM, source, phase: 'prefill', batch, tokens, ...points }),
    ),
  )
}

function generations(points: PatternPoints): NetworkWorkload[] {
  const source = 'SmolLM2-135M-Instruct, every linear layer of the blocks pruned by magnitude'
  const shared = { operation: 'generate', model: SMOLLM2, source, batch: 1, ...points } as const
  return [
    createNetworkWorkload({ ...shared, phase: 'decode', tokens: CONTEXT }),
    createNetworkWorkload({ ...shared, phase: 'prefill', tokens: PROMPT }),
  ]
}

/** What must be done before a workload can be measured; undefined where nothing is missing. */
export function missingFor({ model }: NetworkWorkload): string | undefined {
  return modelFile(model, findModel(model).files[0].name)
    ? undefined
    : `${model} is not in the cache: nnz-bench models fetch ${model}`
}
