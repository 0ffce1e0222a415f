import { gemm, type NmPattern, nm, type Tensor, tensor, transposed } from '@nnz/core'
import type { Encoder, TextEncoder } from '@nnz/models'
import type { LayerWeights } from '@nnz/prune'
import { embedAll, type SentencePair, similarityScore } from '../networks/scores.ts'
import type { QualityRecord } from '../records/index.ts'
import { byActivation, byMagnitude, columnNorms } from './masks.ts'
import { type NamedText, proseLines } from './text.ts'

/** What is judged, and how much of it. */
export interface NmEvidenceOptions {
  readonly model: string
  readonly encoder: Encoder
  readonly tokenizer: TextEncoder
  /** Tokens that the encoder takes at once. */
  readonly tokens: number
  /** Its first half gives the inputs' lengths to the activation-aware choice, the second half judges. */
  readonly text: NamedText
  /** Runs of so many tokens from each half. */
  readonly batches: number
  readonly pairs: readonly SentencePair[]
  /** Which pairs they are. */
  readonly pairsName: string
  readonly patterns: readonly NmPattern[]
  /** Patterns at which the whole network is judged. */
  readonly whole: readonly NmPattern[]
  readonly onProgress?: (step: string) => void
}

interface NamedLayer extends LayerWeights {
  readonly name: string
}

type Choice = (layer: NamedLayer, pattern: NmPattern) => Uint8Array

/**
 * How much N:M sparsity costs an encoder: for each layer |Wx - W'x| / |Wx| on the layer's real inputs, and for the whole
 * network the sentence similarity, where weights are chosen by magnitude and by activations (Wanda).
 */
export function nmEvidence(options: NmEvidenceOptions): QualityRecord[] {
  const { model, encoder, text, patterns, batches, onProgress } = options
  const samples = tokenBatches(options)
  // As they are now: the network is pruned later.
  const layers = encoder.linearLayers.map(({ name, rows, columns, weights }) => ({ name, rows, columns, weights }))
  onProgress?.('activations')
  const calibration = captureInputs(encoder, samples.slice(0, batches))
  const held = captureInputs(encoder, samples.slice(batches))
  const norms = new Map(layers.map(({ name, columns }) => [name, columnNorms(calibration.get(name)!, columns)]))
  const choices: Record<string, Choice> = {
    magnitude: byMagnitude,
    wanda: (layer, pattern) => byActivation(layer, norms.get(layer.name)!, pattern),
  }
  const common = { kind: 'quality', operation: 'nm-gemm', model, seed: null } as const
  const data = `${text.name}: ${batches} batches of at most ${options.tokens} tokens to calibrate, as many others to judge`
  const records: QualityRecord[] = []
  for (const layer of layers) {
    onProgress?.(layer.name)
    const rows = held.get(layer.name)!
    const size = outputSize(layer, layer.weights, rows)
    for (const pattern of patterns)
      for (const [method, choose] of Object.entries(choices)) {
        const { weights, sparsity } = prune(layer, choose, pattern)
        const change = weights.map((weight, i) => layer.weights[i] - weight)
        records.push({
          ...common,
          layer: layer.name,
          method: `${method} ${nameOf(pattern)}`,
          sparsity,
          data,
          metrics: { 'relative output error': outputSize(layer, change, rows) / size },
        })
      }
  }
  return [...records, ...wholeRecords(options, choices, layers)]
}

/** Batches of sentences, as tokens: the first half of the lines fills the first half of the batches. */
function tokenBatches({ text, tokenizer, tokens, batches }: NmEvidenceOptions): number[][][] {
  const lines = proseLines(text.text)
  const halves = [lines.slice(0, lines.length / 2), lines.slice(lines.length / 2)]
  return halves.flatMap((half) => {
    const filled: number[][][] = [[]]
    let size = 0
    for (const line of half) {
      const ids = tokenizer.encode(line)
      if (size + ids.length > tokens) {
        if (filled.length === batches) break
        filled.push([])
        size = 0
      }
      filled.at(-1)!.push(ids)
      size += ids.length
    }
    if (filled.length < batches || filled[0].length === 0)
      throw new RangeError(`the text has too few lines for ${batches} batches of ${tokens} tokens`)
    return filled
  })
}

/** The inputs of every linear layer, one array for each run. */
function captureInputs(encoder: Encoder, batches: readonly number[][][]): Map<string, Float32Array[]> {
  const captured = new Map(encoder.linearLayers.map(({ name }) => [name, [] as Float32Array[]]))
  for (const batch of batches)
    encoder.run(batch, {
      linear(name, input) {
        captured.get(name)!.push(input.data.slice())
      },
    })
  return captured
}

/** A layer's weights in N:M form, written out again: that they fit the form is checked on the way. */
function prune(layer: NamedLayer, choose: Choice, pattern: NmPattern): { weights: Float32Array; sparsity: number } {
  const packed = nm.fromMasked(layer.weights, choose(layer, pattern), [layer.rows, layer.columns], pattern)
  return { weights: nm.toDense(packed), sparsity: 1 - packed.nnz / layer.weights.length }
}

/** |Wx| over all tokens. */
function outputSize({ rows, columns }: LayerWeights, weights: Float32Array, inputs: readonly Float32Array[]): number {
  let sum = 0
  for (const data of inputs) {
    const x = transposed(tensor(data, [data.length / columns, columns]))
    sum += squares(gemm(tensor(weights, [rows, columns]), x))
  }
  return Math.sqrt(sum)
}

function squares({ data }: Tensor): number {
  let sum = 0
  for (let i = 0; i < data.length; i++) sum += data[i] ** 2
  return sum
}

/** Sentence similarity with every linear layer pruned, beside the dense network. */
function wholeRecords(
  options: NmEvidenceOptions,
  choices: Record<string, Choice>,
  layers: readonly NamedLayer[],
): QualityRecord[] {
  const { model, encoder, tokenizer, tokens, pairs, pairsName, whole, onProgress } = options
  const { width } = encoder.config
  const sentences = pairs.flatMap((pair) => pair.sentences)
  onProgress?.('dense network')
  const dense = embedAll(encoder, tokenizer, sentences, tokens)
  const record = (method: string, sparsity: number, embeddings: Float32Array): QualityRecord => ({
    kind: 'quality',
    operation: 'nm-gemm',
    model,
    layer: null,
    method,
    sparsity,
    data: pairsName,
    seed: null,
    metrics: {
      'Spearman x 100': similarityScore(embeddings, pairs, width),
      'cosine to dense': meanCosine(embeddings, dense, width),
    },
  })
  const records = [record('dense', 0, dense)]
  for (const pattern of whole)
    for (const [method, choose] of Object.entries(choices)) {
      const name = `${method} ${nameOf(pattern)}`
      onProgress?.(`whole network, ${name}`)
      let kept = 0
      for (const [index, layer] of layers.entries()) {
        const pruned = prune(layer, choose, pattern)
        encoder.linearLayers[index].set(pruned.weights)
        kept += (1 - pruned.sparsity) * layer.weights.length
      }
      const all = layers.reduce((sum, layer) => sum + layer.weights.length, 0)
      records.push(record(name, 1 - kept / all, embedAll(encoder, tokenizer, sentences, tokens)))
    }
  for (const [index, layer] of layers.entries()) encoder.linearLayers[index].set(layer.weights)
  return records
}

/** Of two lists of vectors of length 1. */
function meanCosine(a: Float32Array, b: Float32Array, width: number): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum / (a.length / width)
}

function nameOf({ n, m }: NmPattern): string {
  return `${n}:${m}`
}
