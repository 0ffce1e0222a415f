import type { EncoderConfig } from '@nnz/models'
import { describe, expect, it } from 'vitest'
import { encoderConfig } from '../../packages/models/test/tiny.ts'
import { encoderGraph } from '../src/baselines/onnx-encoder-graph.ts'
import type { OnnxProto } from '../src/baselines/onnx-graphs.ts'
import type { OnnxNetworkRuntime } from '../src/baselines/onnx-network-runtime.ts'
import { importPackage, requireOwnOnnxRuntime } from '../src/baselines/packages.ts'
import { type Checkpoint, readMiniLm } from '../src/end-to-end/checkpoints.ts'
import { listModels } from '../src/models/index.ts'
import { MINILM, openMiniLm } from '../src/networks/open.ts'
import { tinyEncoderCheckpoint } from './networks-checkpoints.ts'
import { tinyEncoder } from './networks-tiny.ts'

const SEQUENCES = [
  [1, 5, 3, 9, 11, 2],
  [1, 4, 2],
]

async function run(
  name: string,
  products: 'f32' | 'q8',
  checkpoint: Promise<Checkpoint<EncoderConfig>> = tinyEncoderCheckpoint(),
  sequences: readonly (readonly number[])[] = SEQUENCES,
) {
  const proto = (await importPackage('onnx-proto')) as OnnxProto
  const runtime = (await requireOwnOnnxRuntime(name)) as OnnxNetworkRuntime
  const { bytes } = encoderGraph(proto, { ...(await checkpoint), products })
  const session = await runtime.InferenceSession.create(bytes, {
    executionProviders: [name.endsWith('web') ? 'wasm' : 'cpu'],
  })
  const length = Math.max(...sequences.map((sequence) => sequence.length))
  const feed = (at: (sequence: readonly number[], i: number) => number) =>
    new runtime.Tensor(
      'int64',
      BigInt64Array.from(
        sequences.flatMap((sequence) => Array.from({ length }, (_, i) => at(sequence, i))),
        BigInt,
      ),
      [sequences.length, length],
    )
  const outputs = await session.run({
    input_ids: feed((sequence, i) => sequence[i] ?? 0),
    attention_mask: feed((sequence, i) => Number(i < sequence.length)),
    token_type_ids: feed(() => 0),
  })
  await session.release()
  return outputs
}

describe.each(['onnxruntime-node', 'onnxruntime-web'])('the encoder graph in %s', (name) => {
  it('computes what the encoder computes, padding left out', async () => {
    const encoder = await tinyEncoder(9)
    const { last_hidden_state: states, sentence_embedding: embeddings } = await run(name, 'f32')
    const { width } = encoderConfig
    expect(embeddings.data).toHaveLength(2 * width)
    expect(difference(encoder.encodeTokens(SEQUENCES).data, embeddings.data)).toBeLessThan(2e-6)
    const own = encoder.run(SEQUENCES).data
    expect(difference(own, states.data)).toBeLessThan(2e-5)
    encoder.dispose()
  })

  it('is near to it in 8 bits, and not equal', async () => {
    const encoder = await tinyEncoder(9)
    const { sentence_embedding: embeddings } = await run(name, 'q8')
    const off = difference(encoder.encodeTokens(SEQUENCES).data, embeddings.data)
    encoder.dispose()
    expect(off).toBeGreaterThan(1e-5)
    expect(off).toBeLessThan(0.05)
  })
})

function difference(a: Float32Array, b: ArrayLike<number>): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0)
}

const present = listModels().some(({ model, present }) => model.name === MINILM && present)

// The model is not part of the repository.
describe.skipIf(!present)(`${MINILM} (needs nnz-bench models fetch ${MINILM})`, () => {
  it('gives the embeddings that onnxruntime gives, up to rounding', async () => {
    const { encoder, tokenizer } = await openMiniLm(64)
    const texts = ['A man is playing a guitar.', 'The stock market fell sharply on Monday, and rose again on Tuesday.']
    const sequences = texts.map((text) => tokenizer.encode(text))
    const { sentence_embedding: expected } = await run('onnxruntime-node', 'f32', readMiniLm(), sequences)
    expect(difference(encoder.encodeTokens(sequences).data, expected.data)).toBeLessThan(1e-6)
    encoder.dispose()
  })
})
