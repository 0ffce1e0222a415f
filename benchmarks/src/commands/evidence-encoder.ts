import { Encoder } from '@nnz/models'
import {
  DISTILLED_POINTS,
  ENCODER_POINTS,
  encoderEvidence,
  encoderPointName,
  readText,
  sentencesOf,
} from '../evidence/index.ts'
import { findModel } from '../models/index.ts'
import { MINILM, MINILM_CONFIG, openMiniLmFiles } from '../networks/open.ts'
import { readSentencePairs } from '../networks/scores.ts'
import { knownQuality, writeQuality } from '../records/index.ts'
import type { NmOptions } from './evidence.ts'
import { environmentOf, keepIn, spread } from './evidence-work.ts'
import { createProgress } from './progress.ts'

/** Options of `nnz-bench evidence encoder`. */
export interface EncoderOptions extends NmOptions {
  /** The points that are distilled, instead of those that are not. */
  readonly distilled: boolean
  /** Only points whose name contains one of these. */
  readonly only?: readonly string[]
  /** Where checkpoints are kept; a folder of the cache by default. */
  readonly work?: string
}

/** Sentences that pruning measures inputs on. */
const CALIBRATION = 512
/** Sentences that are learnt from; what the teacher says of one takes 0.25 MB. */
const LEARNT = 2000
const DISTILLATION = { tokens: 400, learningRate: 8e-4, warmup: 10, seed: 1 }
/** As long as most sentences that are compared: on them pruning keeps more than on longer ones. */
const [SHORTEST, LONGEST] = [8, 40]

/** Sentence similarity, speed and size of MiniLM against sparsity, by method and pattern; goes on where it was interrupted. */
export async function evidenceEncoder({ text, pairs, distilled, only, work, ...place }: EncoderOptions): Promise<void> {
  const environment = await environmentOf(distilled ? 'evidence-encoder-distilled' : 'evidence-encoder', place.machine)
  const [named, pairsText] = [await readText(text), await readText(pairs)]
  const all = readSentencePairs(pairsText.text, pairsText.name)
  const { file, tokenizer } = await openMiniLmFiles()
  const sentences = sentencesOf(named.text)
    .map((sentence) => tokenizer.encode(sentence))
    .filter(({ length }) => length >= SHORTEST && length <= LONGEST)
  const points = (distilled ? DISTILLED_POINTS : ENCODER_POINTS).filter((point) => {
    const name = `${encoderPointName(point)} ${point.sparsity ?? ''}`
    return only?.some((part) => name.includes(part)) ?? true
  })
  const records = [...(await knownQuality(place.out, environment))]
  const progress = createProgress(points.length)
  const learnt = distilled ? `, distilled on ${LEARNT}` : ''
  try {
    await encoderEvidence({
      model: MINILM,
      source: file,
      config: MINILM_CONFIG,
      read: (source) => Encoder.read(source, MINILM_CONFIG),
      points,
      calibration: spread(sentences, CALIBRATION),
      distillation: { ...DISTILLATION, sequences: spread(sentences, LEARNT) },
      pairs: all,
      pairTokens: all.flatMap((pair) => pair.sentences).map((sentence) => tokenizer.encode(sentence)),
      data: `${pairsText.name}: ${all.length} pairs; pruned on ${CALIBRATION} sentences${learnt} of ${named.name}; weights ${findModel(MINILM).files[0].sha256.slice(0, 12)}`,
      known: [...records],
      keep: await keepIn(work),
      async onRecord(record) {
        records.push(record)
        await writeQuality(place.out, environment, records)
      },
      onProgress: (done, point, detail) => progress.at(done, point, detail),
    })
  } finally {
    progress.stop()
    await file.close()
  }
  console.log(`${records.length} records`)
}
