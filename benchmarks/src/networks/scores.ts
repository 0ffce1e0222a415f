import { FileFormatError } from '@nnz/formats'
import type { Decoder, Encoder, Hooks, TextEncoder } from '@nnz/models'
import { sampleRankCorrelation } from 'simple-statistics'

/** Two sentences and how similar people find them, 0..5. */
export interface SentencePair {
  readonly score: number
  readonly sentences: readonly [string, string]
}

/**
 * The pairs of an STS Benchmark file: genre, file, year, id, score, sentence 1, sentence 2, separated by tabs, not quoted
 * (Cer et al., arXiv 1708.00055).
 *
 * @throws FileFormatError naming the file and the offset of a line that is not like this
 */
export function readSentencePairs(text: string, file: string): SentencePair[] {
  const pairs: SentencePair[] = []
  let offset = 0
  for (const line of text.split('\n')) {
    const fields = line.trimEnd().split('\t')
    const score = Number(fields[4])
    if (line.trim() !== '') {
      if (fields.length < 7 || fields[4] === '' || !(score >= 0 && score <= 5))
        throw new FileFormatError(file, offset, 'expected seven fields with a score of 0 to 5')
      pairs.push({ score, sentences: [fields[5], fields[6]] })
    }
    offset += Buffer.byteLength(line) + 1
  }
  return pairs
}

/** The embeddings of sentences, [sentences, width], computed in batches of at most so many tokens. */
export function embedAll(
  encoder: Encoder,
  tokenizer: TextEncoder,
  sentences: readonly string[],
  tokens: number,
): Float32Array {
  const { width } = encoder.config
  const result = new Float32Array(sentences.length * width)
  let [batch, size, start]: [number[][], number, number] = [[], 0, 0]
  const flush = () => {
    if (batch.length > 0) result.set(encoder.encodeTokens(batch).data, start * width)
    start += batch.length
    batch = []
    size = 0
  }
  for (const sentence of sentences) {
    const ids = tokenizer.encode(sentence)
    if (size + ids.length > tokens) flush()
    batch.push(ids)
    size += ids.length
  }
  flush()
  return result
}

/** Spearman's rank correlation between cosine similarities and people's scores, times 100. */
export function similarityScore(embeddings: Float32Array, pairs: readonly SentencePair[], width: number): number {
  const cosines = pairs.map((_, pair) => {
    const [a, b] = [2 * pair * width, (2 * pair + 1) * width]
    let sum = 0
    for (let i = 0; i < width; i++) sum += embeddings[a + i] * embeddings[b + i]
    return sum
  })
  return (
    100 *
    sampleRankCorrelation(
      cosines,
      pairs.map(({ score }) => score),
    )
  )
}

/** Perplexity over windows of tokens that are judged apart. */
export function perplexity(decoder: Decoder, windows: readonly (readonly number[])[], hooks: Hooks = {}): number {
  let [surprise, judged] = [0, 0]
  for (const window of windows) {
    surprise += decoder.surprise(window, hooks)
    judged += window.length - 1
  }
  return Math.exp(surprise / judged)
}
