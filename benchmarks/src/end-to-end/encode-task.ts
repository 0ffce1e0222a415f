import type { EncoderConfig } from '@nnz/models'
import { random } from '../random.ts'
import { type Task, UNIT_ROUNDOFF } from '../runner/task.ts'
import { type Checkpoint, ENCODER_LAYERS, type PrunedNetwork, prunedNetwork, readMiniLm } from './checkpoints.ts'
import { networkFields } from './network-fields.ts'
import { plainEncoder } from './plain-networks.ts'
import type { NetworkWorkload } from './workload.ts'

/**
 * Texts to vectors. The input is one list, the numbers of the tokens of all texts, [batch, tokens]; the output are the texts'
 * vectors, [batch, width], of length 1.
 */
export interface EncodeTask extends Task {
  readonly network: PrunedNetwork<EncoderConfig>
  readonly batch: number
  readonly tokens: number
}

/** The numbers of BERT's [CLS] and [SEP], and of the first word; a smaller vocabulary is all words. */
const [FIRST, LAST, WORDS] = [101, 102, 1000]
/** Tokens whose texts are computed by the reference. */
const CHECKED_TOKENS = 1024
/** How far the elements of a vector of length 1 may be off. */
const BOUND = 128 * UNIT_ROUNDOFF

/** Makes the task of a workload at a sparsity. */
export async function makeEncodeTask(
  workload: NetworkWorkload,
  wanted: number,
  checkpoint?: Checkpoint<EncoderConfig>,
): Promise<EncodeTask> {
  const network = prunedNetwork(checkpoint ?? (await readMiniLm()), ENCODER_LAYERS, workload.pattern, wanted)
  const { batch, tokens, seed } = workload
  const { config } = network
  const { layers, width } = config
  const [cls, sep, words] = config.vocabulary > WORDS ? [FIRST, LAST, WORDS] : [0, 0, 0]
  // Every pair of a query and a key takes 2 width operations in q kᵀ and as many with v.
  const attention = 4 * layers * width * batch * tokens ** 2
  return {
    ...networkFields(workload, network, { tokens: batch * tokens, attention }),
    network,
    batch,
    tokens,
    inputs(drawn) {
      const next = random(seed + drawn, 'activations')
      const ids = new Float32Array(batch * tokens)
      for (let i = 0; i < ids.length; i++) ids[i] = words + ((next() >>> 0) % (config.vocabulary - words))
      for (let text = 0; text < batch; text++) {
        ids[text * tokens] = cls
        ids[(text + 1) * tokens - 1] = sep
      }
      return [ids]
    },
    expectationOf([ids]) {
      // The first and the last texts: texts do not depend on each other.
      const count = Math.min(batch, Math.max(2, Math.floor(CHECKED_TOKENS / tokens)))
      const texts = Array.from({ length: count }, (_, i) => (i < count / 2 ? i : batch - count + i))
      const chosen = texts.flatMap((text) => [...ids.subarray(text * tokens, (text + 1) * tokens)])
      const values = plainEncoder(network, chosen, tokens)
      return {
        indices: Uint32Array.from(values, (_, i) => texts[Math.floor(i / width)] * width + (i % width)),
        values,
        bounds: new Float64Array(values.length).fill(BOUND),
        rows: count,
      }
    },
  }
}
