import { describe, expect, test } from 'vitest'
import { Encoder } from '../src/encoder/encoder.ts'
import { plainEncoder } from './plain.ts'
import { encoderConfig, encoderWeights } from './tiny.ts'

const sequences = [[3, 1, 4, 1, 5], [9], [2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3]]

describe('the encoder', () => {
  test('computes what plain loops compute, each packed sequence apart', async () => {
    const weights = encoderWeights()
    const encoder = await Encoder.read(weights, encoderConfig, 32)
    const { data } = encoder.run(sequences)
    const expected = sequences.flatMap((sequence) => plainEncoder(weights, encoderConfig, sequence)).flat()
    expect(data).toHaveLength(expected.length)
    for (let i = 0; i < expected.length; i++) expect(data[i]).toBeCloseTo(expected[i], 4)
    encoder.dispose()
  })

  test('embeds each sequence as the normalised mean of its states', async () => {
    const encoder = await Encoder.read(encoderWeights(), encoderConfig, 32)
    const { data, shape } = encoder.encodeTokens(sequences)
    expect(shape).toEqual([3, 16])
    const states = encoder.run([sequences[2]]).data
    const sums = Array.from({ length: 16 }, (_, i) => states.reduce((sum, v, j) => sum + (j % 16 === i ? v : 0), 0))
    for (let i = 0; i < 16; i++) expect(data[32 + i]).toBeCloseTo(sums[i] / Math.hypot(...sums), 5)
    encoder.dispose()
  })

  test('tells hooks the inputs of every linear layer and the heads of every attention', async () => {
    const encoder = await Encoder.read(encoderWeights(), encoderConfig, 32)
    const seen: string[] = []
    encoder.run(sequences, {
      linear: (name, { shape }) => seen.push(`${name} ${shape}`),
      attention: (layer, { q, k, v, sequenceOffsets, causal }) => {
        seen.push(`attention ${layer} ${q.shape} ${k.shape} ${v.shape} ${sequenceOffsets} ${causal}`)
        return undefined
      },
    })
    expect(seen).toHaveLength(14)
    expect(seen[0]).toBe('encoder.layer.0.attention.self.query 18,16')
    expect(seen[3]).toBe('attention 0 2,18,8 2,18,8 2,18,8 0,5,6,18 false')
    expect(seen.at(-1)).toBe('encoder.layer.1.output.dense 18,24')
    expect(encoder.linearLayers.map(({ name }) => name)).toEqual(
      seen.filter((text) => text.startsWith('encoder')).map((text) => text.split(' ')[0]),
    )
    encoder.dispose()
  })

  test('computes with the weights that it is given', async () => {
    const encoder = await Encoder.read(encoderWeights(), encoderConfig, 32)
    const before = encoder.run(sequences).data
    const weights = encoder.linearLayers.map((layer) => layer.weights.slice())
    for (const layer of encoder.linearLayers) layer.set(new Float32Array(layer.weights.length))
    const zeroed = encoder.run(sequences).data
    for (const [i, layer] of encoder.linearLayers.entries()) layer.set(weights[i])
    expect(zeroed).not.toEqual(before)
    expect(encoder.run(sequences).data).toEqual(before)
    encoder.dispose()
  })

  test('refuses sequences and tensors that do not fit', async () => {
    const encoder = await Encoder.read(encoderWeights(), encoderConfig, 32)
    expect(() => encoder.run([[20]])).toThrow('sequence 0: expected tokens in 0..19, got 20')
    expect(() => encoder.run([[1], Array(13).fill(1)])).toThrow('sequence 1 has 13 tokens, expected at most 12')
    encoder.dispose()
    encoder.dispose()
    expect(() => encoder.run([[1]])).toThrow('encoder: it was used after dispose()')
    await expect(Encoder.read(encoderWeights(), { ...encoderConfig, vocabulary: 21 }, 32)).rejects.toThrow(
      'embeddings.word_embeddings.weight is [20, 16], expected [21, 16]',
    )
  })
})
