import type { Suite } from '../operations/operation.ts'
import { type AttentionPattern, SELECTOR_NAMES, type SelectorName } from './patterns.ts'
import { type AttentionLayer, type AttentionWorkload, createAttentionWorkload } from './workload.ts'

/** A model's attention, and the numbers of tokens that it is measured with. */
interface Model extends AttentionLayer {
  readonly tokens: readonly number[]
}

const MODELS: readonly Model[] = [
  {
    model: 'minilm-l6',
    source: 'MiniLM-L6-H384, 12 heads of 32 (Wang et al., arXiv 2002.10957)',
    heads: 12,
    keyHeads: 12,
    headDim: 32,
    tokens: [1024],
    causal: false,
  },
  {
    model: 'bert-base',
    source: 'BERT-base, 12 heads of 64 (Devlin et al., arXiv 1810.04805)',
    heads: 12,
    keyHeads: 12,
    headDim: 64,
    tokens: [1024],
    causal: false,
  },
  {
    model: 'smollm2-135m',
    source: 'SmolLM2-135M, 9 query and 3 key heads of 64 (Allal et al., arXiv 2502.02737)',
    heads: 9,
    keyHeads: 3,
    headDim: 64,
    tokens: [1024, 8192],
    causal: true,
  },
  {
    model: 'llama-3-8b',
    source: 'Llama-3-8B, 32 query and 8 key heads of 128 (Grattafiori et al., arXiv 2407.21783)',
    heads: 32,
    keyHeads: 8,
    headDim: 128,
    tokens: [1024, 4096, 32768],
    causal: true,
  },
  {
    model: 'vit-b16',
    source: 'ViT-B/16, 12 heads of 64, 577 patches and a class token at 384x384 (Dosovitskiy et al., arXiv 2010.11929)',
    heads: 12,
    keyHeads: 12,
    headDim: 64,
    tokens: [577],
    causal: false,
  },
  {
    model: 'dit-xl-2',
    source: 'DiT-XL/2, 16 heads of 72, 1024 patches at 512x512 (Peebles and Xie, arXiv 2212.09748)',
    heads: 16,
    keyHeads: 16,
    headDim: 72,
    tokens: [1024],
    causal: false,
  },
  {
    model: 'eight-heads',
    source: '8 heads of 64, the shape that other libraries publish',
    heads: 8,
    keyHeads: 8,
    headDim: 64,
    tokens: [4096],
    causal: false,
  },
]

/** Dropped shares of the square. A causal pattern has dropped half of it already. */
const SQUARE = [0.5, 0.75, 0.9, 0.95]
const TRIANGLE = [0.75, 0.9, 0.95]

/** Patterns that models look through, and those that only models of moderate length are measured with. */
const PATTERNS = {
  square: { always: ['random'], moderate: ['block-diagonal', 'global', 'clusters', 'butterfly'] },
  causal: { always: ['random-causal', 'window'], moderate: ['strided', 'fixed', 'power-of-two'] },
} as const
const MODERATE = 4096

/** Beyond this a backward pass takes minutes in the slower contenders. */
const LONGEST_TRAINING = 4096

const QUICK: Readonly<Record<AttentionWorkload['operation'], Readonly<Record<string, readonly number[]>>>> = {
  attention: {
    'bert-base/attention/t1024/full': [0],
    'bert-base/attention/t1024/causal': [0.5],
    'bert-base/attention/t1024/random': [0.9],
  },
  'attention-backward': {
    'bert-base/attention-backward/t1024/full': [0],
    'bert-base/attention-backward/t1024/random': [0.9],
  },
  'attention-selection': { 'bert-base/attention-selection/t1024/pooled': [0.9] },
  decode: { 'llama-3-8b/decode/t4096/full': [0], 'llama-3-8b/decode/t4096/random': [0.75] },
}

/** The workloads of one of the operations of attention. */
export function attentionWorkloads(operation: AttentionWorkload['operation'], suite: Suite): AttentionWorkload[] {
  const all = MODELS.flatMap((model) => expand(model, operation))
  if (suite === 'full') return all
  return Object.entries(QUICK[operation]).map(([id, sparsities]) => {
    const workload = all.find((candidate) => candidate.id === id)
    if (!workload) throw new Error(`the quick suite names ${id}, which does not exist`)
    return { ...workload, sparsities }
  })
}

function expand({ tokens, ...layer }: Model, operation: AttentionWorkload['operation']): AttentionWorkload[] {
  const { causal } = layer
  if (operation === 'decode') {
    const contexts = causal ? [...tokens, 16384] : []
    return contexts.flatMap((keys) => [make('full', keys, [0], 1), make('random', keys, SQUARE, 1)])
  }
  if (operation === 'attention-selection')
    return tokens.flatMap((count) => SELECTOR_NAMES.map((pattern) => make(pattern, count, TRIANGLE, count)))
  return tokens
    .filter((count) => operation === 'attention' || count <= LONGEST_TRAINING)
    .flatMap((count) => {
      const of = (kind: keyof typeof PATTERNS, sparsities: readonly number[]) => {
        const { always, moderate } = PATTERNS[kind]
        const names: readonly AttentionPattern[] = count <= MODERATE ? [...always, ...moderate] : always
        return names.map((pattern) => make(pattern, count, sparsities, count))
      }
      return [
        ...(causal ? [] : [make('full', count, [0], count), ...of('square', SQUARE)]),
        make('causal', count, [0.5], count),
        ...of('causal', TRIANGLE),
      ]
    })

  function make(
    pattern: AttentionPattern | SelectorName,
    keys: number,
    sparsities: readonly number[],
    queries: number,
  ) {
    const phase = {
      attention: 'prefill',
      'attention-backward': 'training',
      'attention-selection': 'prefill',
      decode: 'decode',
    } as const
    return createAttentionWorkload({
      ...layer,
      operation,
      phase: phase[operation],
      tokens: queries,
      keys,
      pattern,
      sparsities,
    })
  }
}
