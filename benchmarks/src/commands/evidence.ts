import { attentionEvidence, nmEvidence, perplexityEvidence, readText, selectors } from '../evidence/index.ts'
import { findModel } from '../models/index.ts'
import { MINILM, openMiniLm, openSmolLm2, SMOLLM2 } from '../networks/open.ts'
import { readSentencePairs } from '../networks/scores.ts'
import { type Environment, type QualityRecord, writeQuality } from '../records/index.ts'
import { environmentOf } from './evidence-work.ts'

/** Options of `nnz-bench evidence`. */
export interface EvidenceOptions {
  /** A file of plain text. */
  readonly text: string
  readonly machine: string
  readonly out: string
}

/** Options of `nnz-bench evidence nm`. */
export interface NmOptions extends EvidenceOptions {
  /** A file of sentence pairs in the form of the STS Benchmark. */
  readonly pairs: string
}

/** Tokens that MiniLM takes at once. */
const BATCH = 512
const NM_BATCHES = 4
const NM_PAIRS = 300
const PATTERNS = [
  { n: 2, m: 4 },
  { n: 4, m: 8 },
  { n: 1, m: 4 },
  { n: 2, m: 8 },
]

const SPARSITIES = [0.5, 0.75, 0.9]
const SEED = 1
/** One sequence for each model: the longest that MiniLM takes, and enough for SmolLM2's blocks to differ. */
const MINILM_TOKENS = 512
const SMOLLM2_TOKENS = 2048
const SMOLLM2_LAYERS = [0, 7, 15, 22, 29]
/** The whole network is judged with fewer tokens and selectors: each takes a pass of its own. */
const WHOLE_TOKENS = 768
const WHOLE_SPARSITIES = [0.75, 0.9]
const WHOLE_SELECTORS = ['pooled and sinks', 'vertical-slash', 'sliding window and sinks']

/** Reconstruction error and sentence similarity of MiniLM at N:M, weights chosen by magnitude and by activations. */
export async function evidenceNm({ text, pairs, ...place }: NmOptions): Promise<void> {
  const environment = await environmentOf('evidence-nm', place.machine)
  const named = await readText(text)
  const pairsText = await readText(pairs)
  const all = readSentencePairs(pairsText.text, pairsText.name)
  // Spread over the file: its parts differ in kind.
  const every = Math.max(1, Math.floor(all.length / NM_PAIRS))
  const { encoder, tokenizer } = await openMiniLm(BATCH)
  const records = nmEvidence({
    model: MINILM,
    encoder,
    tokenizer,
    tokens: BATCH,
    text: named,
    batches: NM_BATCHES,
    pairs: all.filter((_, index) => index % every === 0),
    pairsName: `${pairsText.name}: one in ${every} of ${all.length} pairs of sentences`,
    patterns: PATTERNS,
    whole: PATTERNS.slice(0, 2),
    onProgress: console.log,
  })
  encoder.dispose()
  await write(records, environment, place.out)
}

/** Kept attention and output error of every selector in layers of MiniLM and SmolLM2, and SmolLM2's perplexity. */
export async function evidenceAttention({ text, ...place }: EvidenceOptions): Promise<void> {
  const environment = await environmentOf('evidence-attention', place.machine)
  const named = await readText(text)
  const common = { sparsities: SPARSITIES, seed: SEED, onProgress: console.log }
  const minilm = await openMiniLm(MINILM_TOKENS, MINILM_TOKENS)
  const words = minilm.tokenizer.encode(named.text.slice(0, 8 * MINILM_TOKENS))
  const records = attentionEvidence({
    ...common,
    model: MINILM,
    run: (hooks) => minilm.encoder.run([words], hooks),
    layers: [0, 1, 2, 3, 4, 5],
    data: `${named.name}: the first ${words.length} tokens; blocks of 16 x 16`,
    blockShape: [16, 16],
  })
  minilm.encoder.dispose()
  const smollm2 = await openSmolLm2(SMOLLM2_TOKENS)
  const tokens = smollm2.tokenizer.encode(named.text.slice(0, 8 * SMOLLM2_TOKENS)).slice(0, SMOLLM2_TOKENS)
  records.push(
    ...attentionEvidence({
      ...common,
      model: SMOLLM2,
      run: (hooks) => smollm2.decoder.run([tokens], hooks),
      layers: SMOLLM2_LAYERS,
      data: `${named.name}: the first ${tokens.length} tokens; blocks of 32 x 32`,
      blockShape: [32, 32],
    }),
  )
  const start = tokens.slice(0, WHOLE_TOKENS)
  records.push(
    ...perplexityEvidence({
      ...common,
      model: SMOLLM2,
      decoder: smollm2.decoder,
      tokens: start,
      data: `${named.name}: the first ${start.length} tokens; blocks of 32 x 32`,
      blockShape: [32, 32],
      sparsities: WHOLE_SPARSITIES,
      selectors: selectors.filter(({ name }) => WHOLE_SELECTORS.includes(name)),
    }),
  )
  smollm2.decoder.dispose()
  await write(records, environment, place.out)
}

/** Every record says which weights it is about. */
async function write(records: readonly QualityRecord[], environment: Environment, out: string): Promise<void> {
  const weights = (model: string) => findModel(model).files[0].sha256.slice(0, 12)
  const named = records.map((record) => ({ ...record, data: `${record.data}; weights ${weights(record.model)}` }))
  console.log(`wrote ${await writeQuality(out, environment, named)}`)
}
