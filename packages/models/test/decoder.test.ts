import { patterns } from '@nnz/attention'
import { csr, tensor } from '@nnz/core'
import { save } from '@nnz/core/storage'
import { pruneNetwork } from '@nnz/prune'
import { describe, expect, test } from 'vitest'
import { configOfGguf } from '../src/decoder/config.ts'
import { Decoder } from '../src/decoder/decoder.ts'
import { TiedHead } from '../src/decoder/head.ts'
import { plainLogits } from './plain.ts'
import { decoderConfig, decoderWeights } from './tiny.ts'

const sequences = [[3, 1, 4, 1, 5], [9], [2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3]]
const long = Array.from({ length: 75 }, (_, i) => (i * i + 7) % 70)
const { vocabulary } = decoderConfig

const read = () => Decoder.read(decoderWeights(), decoderConfig, 80)

/** The largest difference, as a share of the largest number. */
function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length)
  let [most, size] = [0, 0]
  for (let i = 0; i < expected.length; i++) {
    most = Math.max(most, Math.abs(actual[i] - expected[i]))
    size = Math.max(size, Math.abs(expected[i]))
  }
  return most / size
}

/** What a GGUF file of such a decoder says. */
function ggufMetadata() {
  const { vocabulary, positions, layers, heads, keyHeads, width, innerWidth, epsilon, ropeBase } = decoderConfig
  return {
    'general.architecture': 'llama',
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'smollm',
    'tokenizer.ggml.tokens': Array.from({ length: vocabulary }, (_, token) => `t${token}`),
    'tokenizer.ggml.token_type': new Array(vocabulary).fill(1),
    'tokenizer.ggml.merges': [],
    'llama.context_length': positions,
    'llama.block_count': layers,
    'llama.attention.head_count': heads,
    'llama.attention.head_count_kv': keyHeads,
    'llama.embedding_length': width,
    'llama.feed_forward_length': innerWidth,
    'llama.attention.layer_norm_rms_epsilon': epsilon,
    'llama.rope.freq_base': ropeBase,
  }
}

describe('the decoder', () => {
  test('computes the logits of plain loops', async () => {
    const weights = decoderWeights()
    const decoder = await Decoder.read(weights, decoderConfig, 80)
    const expected = plainLogits(weights, decoderConfig, long)
    const logits = decoder.logits(long)
    expect(logits.shape).toEqual([75, vocabulary])
    expect(difference(logits.data, expected.flat())).toBeLessThan(2e-5)
    const surprises = decoder.surprises(long)
    for (let i = 0; i < 74; i++) {
      const total = expected[i].reduce((sum, logit) => sum + Math.exp(logit), 0)
      expect(surprises[i]).toBeCloseTo(Math.log(total) - expected[i][long[i + 1]], 3)
    }
    expect(decoder.surprise(long)).toBeCloseTo(
      surprises.reduce((a, b) => a + b),
      6,
    )
    decoder.dispose()
  })

  test('keeps packed sequences apart, and asks hooks which pairs to compute', async () => {
    const own = patterns.slidingWindow({ blockShape: [4, 4], rows: 12, columns: 12, window: 1 })
    const decoder = await read()
    const seen: string[] = []
    const both = decoder.run([sequences[0], sequences[2]], {
      attention: (layer, { q, k, causal }) => {
        seen.push(`${layer} ${q.shape} ${k.shape} ${causal}`)
        return undefined
      },
    }).data
    expect(seen).toEqual(['0 4,17,8 2,17,8 true', '1 4,17,8 2,17,8 true'])
    const alone = decoder.run([sequences[2]]).data
    expect(decoder.run([sequences[2]], { attention: () => own }).data).not.toEqual(alone)
    for (let i = 0; i < alone.length; i++) expect(both[5 * 32 + i]).toBeCloseTo(alone[i], 4)
    decoder.dispose()
  })

  test('tells hooks the input of every linear layer', async () => {
    const decoder = await read()
    const seen: string[] = []
    decoder.run(sequences, { linear: (name, { shape }) => seen.push(`${name} ${shape}`) })
    expect(seen).toHaveLength(14)
    expect([seen[0], seen[6]]).toEqual(['blk.0.attn_q 18,32', 'blk.0.ffn_down 18,40'])
    expect(decoder.linearLayers.map(({ name }) => name)).toEqual(seen.map((text) => text.split(' ')[0]))
    decoder.dispose()
  })

  test('refuses sequences and tensors that do not fit', async () => {
    const decoder = await read()
    expect(() => decoder.run([[70]])).toThrow('sequence 0: expected tokens in 0..69, got 70')
    expect(() => decoder.logits(Array(101).fill(1))).toThrow('sequence 0 has 101 tokens, expected at most 100')
    decoder.dispose()
    await expect(Decoder.read(decoderWeights(), { ...decoderConfig, innerWidth: 44 }, 32)).rejects.toThrow(
      'blk.0.ffn_gate.weight is [40, 32], expected [44, 32]',
    )
  })
})

describe('a session', () => {
  test('gives the logits of the whole text, however it is cut', async () => {
    const decoder = await read()
    const whole = decoder.logits(long).data
    const session = decoder.session(80)
    let at = 0
    for (const count of [20, 1, 1, 7, 1, 45]) {
      const logits = session.extend(long.slice(at, at + count))
      at += count
      expect(session.length).toBe(at)
      expect(difference(logits, whole.subarray((at - 1) * vocabulary, at * vocabulary))).toBeLessThan(2e-5)
    }
    expect(() => session.extend([1, 2, 3, 4, 5, 6])).toThrow('got 6 tokens, there is room for 1..5')
    expect(() => session.extend([70])).toThrow('expected tokens in 0..69, got 70')
    expect(session.length).toBe(75)
    session.dispose()
    decoder.dispose()
  })

  test('takes a text longer than what is computed at once', async () => {
    const decoder = await Decoder.read(decoderWeights(), decoderConfig, 16)
    const session = decoder.session(100)
    const logits = session.extend(long)
    const whole = (await read()).logits(long).data
    expect(difference(logits, whole.subarray(74 * vocabulary))).toBeLessThan(2e-5)
    session.dispose()
    decoder.dispose()
  })
})

test('packed weights are released, and packed again, with a head of bytes', async () => {
  const weights = decoderWeights()
  const embeddings = weights.get('token_embd.weight').data
  for (let i = 0; i < embeddings.length; i++)
    embeddings[i] = Math.fround(2 ** -7) * (i % 32 === 0 ? 127 : Math.round(127 * embeddings[i]))
  const decoder = await Decoder.read(weights, decoderConfig, 80)
  expect(decoder.head.blocks).toBeDefined()
  const expected = plainLogits(weights, decoderConfig, long.slice(0, 6)).flat()
  expect(difference(decoder.logits(long.slice(0, 6)).data, expected)).toBeLessThan(2e-5)
  expect(decoder.memory.prefill).toBeGreaterThan(0)
  decoder.release()
  expect(decoder.memory).toEqual({ decode: 0, prefill: 0, head: 70 * 32 + 70 * 4 })
  const session = decoder.session(6)
  for (let i = 0; i < 6; i++)
    expect(difference(session.extend([long[i]]), expected.slice(i * vocabulary, (i + 1) * vocabulary))).toBeLessThan(
      2e-5,
    )
  expect(decoder.memory.decode).toBeGreaterThan(0)
  session.dispose()
  decoder.dispose()
})

describe('generating', () => {
  test('takes the likeliest token at each step', async () => {
    const decoder = await read()
    const made = [...decoder.generateTokens([5, 6, 7], { tokens: 6 })]
    expect(made).toHaveLength(6)
    const text = [5, 6, 7]
    for (const token of made) {
      const logits = decoder.logits(text).data.subarray(-vocabulary)
      expect(token).toBe(logits.indexOf(Math.max(...logits)))
      text.push(token)
    }
    decoder.dispose()
  })

  test('draws the same tokens from the same seed, and only likely ones', async () => {
    const decoder = await read()
    const draw = (seed: number) => [...decoder.generateTokens([5], { tokens: 12, temperature: 2, topK: 3, seed })]
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
    const made = draw(3)
    const logits = decoder.logits([5]).data
    const likely = Array.from(logits, (_, token) => token).sort((a, b) => logits[b] - logits[a])
    expect(likely.slice(0, 3)).toContain(made[0])
    expect(() => [...decoder.generateTokens([5], { temperature: -1 })]).toThrow(
      'expected a temperature from 0 on, got -1',
    )
    expect(() => [...decoder.generateTokens([5], { topK: 0 })]).toThrow('expected topK to be a whole number from 1 on')
    expect(() => [...decoder.generateTokens([], {})]).toThrow('got 0 tokens')
    expect(() => [...decoder.generate('text')]).toThrow('without a tokeniser')
    decoder.dispose()
  })

  test('tells a text piece by piece, whole characters at a time, until its end', async () => {
    const pieces = ['A', 'B', '\ufffd', 'Ö']
    const tokenizer = {
      encode: () => [5],
      decode: (tokens: readonly number[]) =>
        tokens
          .map((_, i) => pieces[i])
          .join('')
          .replace('\ufffdÖ', 'Ö'),
      end: undefined as number | undefined,
      metadata: {},
    }
    const decoder = await Decoder.read(decoderWeights(), decoderConfig, 80, tokenizer)
    expect([...decoder.generate('x', { tokens: 4 })]).toEqual(['A', 'B', 'Ö'])
    tokenizer.end = [...decoder.generateTokens([5], { tokens: 4 })][2]
    const ended = [...decoder.generateTokens([5], { tokens: 4 })]
    expect(ended).not.toContain(tokenizer.end)
    decoder.dispose()
  })
})

describe('pruning', () => {
  const windows = [long.slice(0, 20), long.slice(20, 40), long.slice(40, 75)]

  test('streams inputs stage by stage, later ones as pruned layers give them', async () => {
    const decoder = await read()
    const network = decoder.prunable(windows)
    expect(network.stages.map((stage) => stage.map(({ name }) => name)).slice(4)).toEqual([
      ['blk.1.attn_q', 'blk.1.attn_k', 'blk.1.attn_v'],
      ['blk.1.attn_output'],
      ['blk.1.ffn_gate', 'blk.1.ffn_up'],
      ['blk.1.ffn_down'],
    ])
    const seen = new Map<string, number[]>()
    await network.stream({
      observe({ name }, x) {
        seen.set(name, [...(seen.get(name) ?? []), ...x.data])
      },
      finished(stage) {
        for (const layer of network.stages[stage]) layer.set(layer.weights.map((weight, i) => (i % 3 ? weight : 0)))
      },
    })
    const expected = new Map<string, number[]>()
    decoder.run(windows, {
      linear(name, { data }) {
        expected.set(name, [...data])
      },
    })
    for (const [name, inputs] of expected) expect(difference(seen.get(name)!, inputs), name).toBeLessThan(2e-5)
    decoder.dispose()
  })

  test.each([
    ['unstructured', { kind: 'unstructured' }, 0.6, 'csr'],
    ['2:4', { kind: 'nm', n: 2, m: 4 }, undefined, 'nm'],
    ['grouped 2:4', { kind: 'grouped-nm', n: 2, m: 4, group: 2 }, undefined, 'nmg'],
  ] as const)(
    'computes with %s weights in a layout of their own, and saves them',
    async (_, pattern, sparsity, layout) => {
      const weights = decoderWeights()
      const decoder = await Decoder.read(weights, decoderConfig, 80)
      await pruneNetwork(decoder.prunable(windows), { method: 'magnitude', pattern, sparsity })
      expect(new Set(decoder.blocks.flatMap(({ stacks }) => stacks.map(({ weights }) => weights.layout)))).toEqual(
        new Set([layout]),
      )
      const kept = new Map(decoder.linearLayers.map(({ name, weights }) => [`${name}.weight`, weights]))
      for (const [name, values] of kept) weights.get(name).data.set(values)
      const logits = decoder.logits(long).data
      expect(difference(logits, plainLogits(weights, decoderConfig, long).flat())).toBeLessThan(2e-5)
      const session = decoder.session(80)
      for (const token of long.slice(0, 5)) session.extend([token])
      expect(difference(session.extend([long[5]]), logits.subarray(5 * vocabulary, 6 * vocabulary))).toBeLessThan(2e-5)
      session.dispose()

      const again = await Decoder.load(await decoder.save(), { tokens: 80 })
      expect(again.config).toEqual(decoderConfig)
      for (const { name, weights } of again.linearLayers) expect(weights, name).toEqual(kept.get(`${name}.weight`))
      expect(again.logits(long).data).toEqual(logits)
      for (const each of [decoder, again]) each.dispose()
    },
  )

  test('loads what nnz-prune makes of a GGUF file', async () => {
    const weights = decoderWeights()
    const stored = weights.names.map((name) => {
      const { data, shape } = weights.get(name)
      const sparse = name.startsWith('blk.') && shape.length === 2
      return [name, sparse ? csr.fromDense(data, [...shape]) : tensor(data, shape)] as const
    })
    const metadata = { gguf: JSON.stringify(ggufMetadata()), 'nnz-prune': 'magnitude unstructured' }
    const [loaded, read] = [
      await Decoder.load(save(stored, { metadata }), { tokens: 80 }),
      await Decoder.read(weights, decoderConfig, 80),
    ]
    expect(loaded.config).toEqual(decoderConfig)
    expect(loaded.tokenizer?.decode([2, 1])).toBe('t2t1')
    expect(loaded.logits(long).data).toEqual(read.logits(long).data)
    for (const each of [loaded, read]) each.dispose()
  })

  test('is pruned while it loads, by magnitude where there are no texts', async () => {
    const [bytes, shares] = [
      await (await read()).save(),
      (decoder: Decoder) =>
        decoder.linearLayers.map(({ weights }) => weights.filter((weight) => weight === 0).length / weights.length),
    ]
    const pruned = await Decoder.load(bytes, { tokens: 80, sparsity: 0.75 })
    expect(pruned.report).toMatchObject({ method: 'magnitude', total: { sparsity: 0.75 } })
    for (const share of shares(pruned)) expect(share).toBe(0.75)
    const whole = await Decoder.load(bytes, { tokens: 80 })
    expect(whole.report).toBeUndefined()
    expect(shares(whole)).not.toContain(0.75)
    await expect(Decoder.load(bytes, { method: 'magnitude' })).rejects.toThrow('sparsity')
    await expect(Decoder.load(bytes, { sparsity: 0.5, method: 'wanda' })).rejects.toThrow(
      'Decoder.load: method "wanda" chooses weights by what texts need: give calibration',
    )
    for (const each of [pruned, whole]) each.dispose()
  })

  test('says what it cannot load', async () => {
    const described = (gguf: string) => Decoder.load(save({ x: tensor([1], [1]) }, { metadata: { gguf } }))
    await expect(described('[')).rejects.toThrow('decoder: expected metadata of a decoder as an object in JSON')
    await expect(described('{}')).rejects.toThrow('expected a model of the architecture llama, got undefined')
    await expect(Decoder.load(new Uint8Array(100))).rejects.toThrow(/decoder/)
    await expect(Decoder.load(save({ x: tensor([1], [1]) }))).rejects.toThrow('expected a GGUF file, or one that')
    await expect(Decoder.load(5 as never)).rejects.toThrow('expected a path or bytes, got 5')
  })
})

test('sizes of a GGUF file, which have to be those of a decoder', () => {
  const metadata = new Map<string, unknown>(Object.entries(ggufMetadata()))
  expect(configOfGguf(metadata, 'm.gguf')).toEqual(decoderConfig)
  metadata.set('llama.attention.head_count_kv', 3)
  expect(() => configOfGguf(metadata, 'm.gguf')).toThrow('m.gguf: the configuration does not fit a decoder')
  metadata.set('general.architecture', 'gemma')
  expect(() => configOfGguf(metadata, 'm.gguf')).toThrow(
    'm.gguf: expected a model of the architecture llama, got gemma',
  )
})

describe('the head', () => {
  test('keeps numbers that come from bytes and scales as such, bit by bit', () => {
    const scales = Float32Array.from({ length: 140 }, (_, i) => Math.fround(1e-3 * (i + 1)))
    scales[3] = 0
    const data = Int8Array.from(
      { length: 70 * 64 },
      (_, i) => (i % 32 === 0 ? -127 : (i * i + 11) % 255) - (i % 32 === 0 ? 0 : 127),
    )
    const values = Float32Array.from(data, (q, i) => q * scales[Math.floor(i / 32)])
    const head = new TiedHead(values, 64)
    expect(head.blocks?.data).toEqual(data.map((q, i) => (scales[Math.floor(i / 32)] === 0 ? 0 : q)))
    expect(head.blocks?.scales).toEqual(scales)
    expect(head.bytes).toBe(70 * 64 + 140 * 4)
    expect(head.embed([7, 3]).data).toEqual(
      Float32Array.from([7, 3].flatMap((row) => [...values.subarray(row * 64, row * 64 + 64)])),
    )
    const floats = new TiedHead(
      values.map((value) => value * Math.fround(1.1)),
      64,
    )
    expect(floats.blocks).toBeUndefined()
    const states = tensor(
      Float32Array.from({ length: 128 }, (_, i) => Math.sin(i)),
      [2, 64],
    )
    const expected = Array.from({ length: 140 }, (_, at) => {
      const [row, token] = [Math.floor(at / 70), at % 70]
      return Array.from({ length: 64 }, (_, i) => states.data[row * 64 + i] * values[token * 64 + i]).reduce(
        (a, b) => a + b,
      )
    })
    expect(difference(head.logits(states).data, expected)).toBeLessThan(1e-6)
    const one = tensor(states.data.slice(64), [1, 64])
    expect(difference(head.logits(one).data, expected.slice(70))).toBeLessThan(1e-6)
    for (const each of [head, floats]) each.dispose()
  })
})
