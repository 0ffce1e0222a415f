import { describe, expect, it } from 'vitest'
import { encoderConfig } from '../../packages/models/test/tiny.ts'
import { encoderGraph } from '../src/baselines/onnx-encoder-graph.ts'
import type { OnnxProto } from '../src/baselines/onnx-graphs.ts'
import type { OnnxNetworkRuntime } from '../src/baselines/onnx-network-runtime.ts'
import { importPackage, requireOwnOnnxRuntime } from '../src/baselines/packages.ts'
import { tinyEncoderCheckpoint } from './networks-checkpoints.ts'
import { tinyEncoder } from './networks-tiny.ts'

const SEQUENCES = [
  [1, 5, 3, 9, 11, 2],
  [1, 4, 2],
]

async function run(name: string, products: 'f32' | 'q8') {
  const proto = (await importPackage('onnx-proto')) as OnnxProto
  const runtime = (await requireOwnOnnxRuntime(name)) as OnnxNetworkRuntime
  const { bytes } = encoderGraph(proto, { ...(await tinyEncoderCheckpoint()), products })
  const session = await runtime.InferenceSession.create(bytes, {
    executionProviders: [name.endsWith('web') ? 'wasm' : 'cpu'],
  })
  const length = Math.max(...SEQUENCES.map((sequence) => sequence.length))
  const feed = (at: (sequence: readonly number[], i: number) => number) =>
    new runtime.Tensor(
      'int64',
      BigInt64Array.from(
        SEQUENCES.flatMap((sequence) => Array.from({ length }, (_, i) => at(sequence, i))),
        BigInt,
      ),
      [SEQUENCES.length, length],
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
