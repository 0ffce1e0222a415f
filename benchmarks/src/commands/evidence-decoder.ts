import { cutWindows } from '@nnz/models'
import { hashBytes } from '../environment/index.ts'
import {
  DECODER_POINTS,
  decoderEvidence,
  type NamedText,
  type NamedWindows,
  pointName,
  readBrown,
  readText,
} from '../evidence/index.ts'
import { findModel } from '../models/index.ts'
import { openSmolLm2, SMOLLM2 } from '../networks/open.ts'
import { knownQuality, writeQuality } from '../records/index.ts'
import type { EvidenceOptions } from './evidence.ts'
import { environmentOf, keepIn, spread } from './evidence-work.ts'

/** Options of `nnz-bench evidence decoder`. */
export interface DecoderOptions extends EvidenceOptions {
  /** A folder of the Brown corpus, to be judged on beside the rest of the text. */
  readonly brown?: string
  /** Only points whose name contains one of these, separated by commas. */
  readonly only?: string
  /** Steps of tuning. */
  readonly steps: string
  /** Where weights and checkpoints are kept; a folder of the cache by default. */
  readonly work?: string
}

const SEED = 1
/** Windows of SmolLM2: for pruning from the beginning of a text, for tuning from its first half, to be judged on from its second. */
const WINDOW = 256
const CALIBRATION_WINDOWS = 64
const JUDGED_WINDOWS = 16
/** Two windows a step. */
const TUNING = { tokens: 512, learningRate: 3e-4 }

/** Perplexity, decoding speed and size of SmolLM2 against sparsity, by method and pattern, one-shot and tuned; goes on where it was interrupted. */
export async function evidenceDecoder({ text, brown, only, steps, work, ...place }: DecoderOptions): Promise<void> {
  const environment = await environmentOf('evidence-decoder', place.machine)
  const count = Number(steps)
  if (!(Number.isInteger(count) && count > 0))
    throw new RangeError(`--steps: expected a whole number above 0, got ${steps}`)
  const weights = findModel(SMOLLM2).files[0].sha256.slice(0, 12)
  const [main, ...others] = await windowsOf([
    await readText(text),
    ...(brown === undefined ? [] : [await readBrown(brown)]),
  ])
  const judge = ({ name, windows }: NamedWindows, from: number): NamedWindows => ({
    name: `${name}: ${JUDGED_WINDOWS} windows of ${WINDOW} tokens from window ${from} on; weights ${weights}`,
    windows: spread(windows.slice(from), JUDGED_WINDOWS),
  })
  const half = Math.floor(main.windows.length / 2)
  const judged = [judge(main, half), ...others.map((other) => judge(other, 0))]
  const wanted = only?.split(',')
  const points = DECODER_POINTS.filter((point) => {
    const name = `${pointName(point, count)} ${point.sparsity ?? ''}`
    return wanted?.some((part) => name.includes(part)) ?? true
  })
  const records = [...(await knownQuality(place.out, environment))]
  const { decoder } = await openSmolLm2(2 * WINDOW)
  const { decoder: teacher } = await openSmolLm2(2 * WINDOW)
  await decoderEvidence({
    model: SMOLLM2,
    decoder,
    teacher,
    points,
    calibration: main.windows.slice(0, CALIBRATION_WINDOWS),
    run: hashBytes(Buffer.from(`${main.name} ${weights} ${WINDOW} ${CALIBRATION_WINDOWS}`)).slice(0, 8),
    judged,
    tuning: { ...TUNING, steps: count, windows: main.windows.slice(0, half) },
    seed: SEED,
    known: [...records],
    keep: await keepIn(work),
    async onRecord(record) {
      records.push(record)
      await writeQuality(place.out, environment, records)
    },
    onProgress: (step) => console.log(`${new Date().toISOString().slice(11, 19)} ${step}`),
  })
  console.log(`${records.length} records`)
}

/** Whole windows of tokens. The vocabulary is forgotten afterwards: collecting garbage takes time by what is remembered. */
async function windowsOf(texts: readonly NamedText[]): Promise<NamedWindows[]> {
  const { tokenizer, decoder } = await openSmolLm2(1)
  decoder.dispose()
  return texts.map(({ name, text }) => ({ name, windows: cutWindows(tokenizer.encode(text), WINDOW) }))
}
