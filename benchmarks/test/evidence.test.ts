import { attention } from '@nnz/attention'
import { type Tensor, tensor } from '@nnz/core'
import type { AttentionInputs, Hooks } from '@nnz/models'
import { describe, expect, test } from 'vitest'
import { attentionEvidence } from '../src/evidence/attention.ts'
import { byActivation, byMagnitude, columnNorms } from '../src/evidence/masks.ts'
import { nmEvidence } from '../src/evidence/nm.ts'
import { perplexityEvidence } from '../src/evidence/perplexity.ts'
import { allPairs, chooseAt, selectors, sparsityOf } from '../src/evidence/selectors.ts'
import { proseLines } from '../src/evidence/text.ts'
import { perplexity } from '../src/networks/scores.ts'
import { seededValues } from '../src/random.ts'
import { qualityRecordSchema } from '../src/records/index.ts'
import { tinyDecoder, tinyEncoder } from './networks-tiny.ts'

describe('masks', () => {
  const layer = { rows: 1, columns: 4, weights: Float32Array.of(4, -3, 2, 1) }

  test('by magnitude keeps the largest weights, by activations those with the largest products', () => {
    const norms = columnNorms([Float32Array.of(0, 3, 1, 10), Float32Array.of(0, 4, 1, 0)], 4)
    expect([...norms]).toEqual([0, 5, Math.SQRT2, 10])
    expect([...byMagnitude(layer, { n: 2, m: 4 })]).toEqual([1, 1, 0, 0])
    expect([...byActivation(layer, norms, { n: 2, m: 4 })]).toEqual([0, 1, 0, 1])
    expect([...byActivation(layer, norms, { n: 1, m: 4 })]).toEqual([0, 1, 0, 0])
  })
})

test('prose has no headings and no empty lines', () => {
  const line = 'A sentence that is long enough to be taken for a line of prose in an article .'
  expect(proseLines(`\n = Title = \n ${line} \n short\n`)).toEqual([line])
})

describe('N:M evidence', () => {
  const text = Array.from({ length: 400 }, (_, i) => `${'word '.repeat(13)}${i}`).join('\n')
  const tokenizer = {
    encode: (line: string) => Array.from({ length: 8 }, (_, i) => (Number(line.split(' ').at(-1)) * (i + 3)) % 20),
  }
  const sentences = (i: number): [string, string] => [`a ${i}`, `b ${7 * i}`]

  test('judges every layer and the whole network, and leaves the network as it was', async () => {
    const encoder = await tinyEncoder(32)
    const before = encoder.run([[1, 2, 3]]).data
    const records = nmEvidence({
      model: 'tiny',
      encoder,
      tokenizer,
      tokens: 32,
      text: { text, name: 'words.txt' },
      batches: 2,
      pairs: Array.from({ length: 12 }, (_, i) => ({ score: i % 6, sentences: sentences(i) })),
      pairsName: 'pairs',
      patterns: [
        { n: 4, m: 4 },
        { n: 3, m: 4 },
        { n: 1, m: 4 },
      ],
      whole: [{ n: 2, m: 4 }],
    })
    for (const record of records) expect(qualityRecordSchema.parse(record)).toEqual(record)
    expect(encoder.run([[1, 2, 3]]).data).toEqual(before)

    const layers = records.filter(({ layer }) => layer !== null)
    expect(layers).toHaveLength(12 * 3 * 2)
    for (const { layer } of encoder.linearLayers.map(({ name }) => ({ layer: name }))) {
      const errors = (method: string) =>
        layers
          .filter((record) => record.layer === layer && record.method.startsWith(method))
          .map(({ metrics }) => metrics['relative output error']!)
      for (const method of ['magnitude', 'wanda']) {
        const [all, most, few] = errors(method)
        expect(all).toBe(0)
        expect(most).toBeGreaterThan(0)
        expect(few).toBeGreaterThan(most)
        expect(few).toBeLessThan(1.2)
      }
    }
    const whole = records.filter(({ layer }) => layer === null)
    expect(whole.map(({ method, sparsity }) => [method, sparsity])).toEqual([
      ['dense', 0],
      ['magnitude 2:4', 0.5],
      ['wanda 2:4', 0.5],
    ])
    expect(whole[0].metrics['cosine to dense']).toBeCloseTo(1, 5)
    expect(whole[1].metrics['cosine to dense']).toBeLessThan(0.999)
    encoder.dispose()
  })

  test('needs text enough', async () => {
    const encoder = await tinyEncoder(32)
    const options = {
      model: 'tiny',
      encoder,
      tokenizer,
      tokens: 32,
      pairs: [],
      pairsName: 'none',
      patterns: [],
      whole: [],
    }
    expect(() => nmEvidence({ ...options, text: { text: '', name: 'empty' }, batches: 1 })).toThrow(
      'the text has too few lines for 1 batches of 32 tokens',
    )
    encoder.dispose()
  })
})

function randomInputs(causal: boolean, tokens = 100): AttentionInputs {
  const heads = (count: number, seed: number): Tensor =>
    tensor(
      seededValues(count * tokens * 8, seed).map((value) => 3 * value),
      [count, tokens, 8],
    )
  return { q: heads(4, 1), k: heads(2, 2), v: heads(2, 3), sequenceOffsets: [0, tokens], causal }
}

/** Share of the dense weights on pairs that a mask keeps, by plain loops over the weights. */
function plainKept({ q, k, causal }: AttentionInputs, keeps: (head: number, query: number, key: number) => boolean) {
  const [heads, tokens, headDim] = q.shape
  let sum = 0
  for (let head = 0; head < heads; head++)
    for (let query = 0; query < tokens; query++) {
      let [kept, total] = [0, 0]
      for (let key = 0; key < (causal ? query + 1 : tokens); key++) {
        let score = 0
        for (let i = 0; i < headDim; i++)
          score +=
            q.data[(head * tokens + query) * headDim + i] * k.data[(Math.floor(head / 2) * tokens + key) * headDim + i]
        const weight = Math.exp(score / Math.sqrt(headDim))
        total += weight
        if (keeps(head, query, key)) kept += weight
      }
      sum += kept / total
    }
  return sum / (heads * tokens)
}

describe.each([false, true])('attention evidence, causal %s', (causal) => {
  const inputs = randomInputs(causal)
  const blockShape = [16, 16]

  test.each(selectors)('$name reaches sparsities, and keeps all if it may', (selector) => {
    const all = selector.choose(inputs, blockShape, 1, 1)
    expect(sparsityOf(all.mask, inputs)).toBeCloseTo(0, 6)
    const half = chooseAt(selector, inputs, { blockShape, sparsity: 0.5, seed: 1 })
    expect(sparsityOf(half.mask, inputs)).toBe(half.sparsity)
    expect(Math.abs(half.sparsity - 0.5)).toBeLessThan(0.15)
  })

  test('states what is kept, and what the outputs lose', () => {
    const window = selectors.find(({ name }) => name === 'sliding window and sinks')!
    const options = { model: 'random', layers: [3], data: 'random', blockShape, sparsities: [0, 0.5], seed: 1 }
    const run = (hooks: Hooks) => {
      for (const layer of [2, 3]) hooks.attention?.(layer, inputs)
    }
    const [none, half, ...more] = attentionEvidence({ ...options, run, selectors: [window] })
    expect(more).toEqual([])
    for (const record of [none, half]) expect(qualityRecordSchema.parse(record)).toEqual(record)
    expect(none).toMatchObject({ operation: 'attention', layer: 'layer 03', sparsity: 0 })
    expect(none.metrics['kept attention']).toBeCloseTo(1, 5)
    expect(none.metrics['relative output error']).toBeLessThan(1e-5)

    const { mask, flops } = chooseAt(window, inputs, { blockShape, sparsity: 0.5, seed: 1 })
    expect(flops).toBe(0)
    const reach = { causal, mask }
    const [dense, sparse] = [{ causal }, reach].map((pattern) => attention(inputs.q, inputs.k, inputs.v, pattern))
    const difference = Math.hypot(...dense.output.data.map((value, i) => value - sparse.output.data[i]))
    expect(half.metrics['relative output error']).toBeCloseTo(difference / Math.hypot(...dense.output.data), 5)
    // The window is the only one that a loop can tell: queries meet sinks and what is near.
    const pairs = Math.round((1 - half.sparsity) * allPairs(inputs))
    const near = (w: number) => (_: number, query: number, key: number) =>
      key < 16 || (query - key < w && (causal || key - query < w))
    const count = (w: number) => {
      let sum = 0
      for (let query = 0; query < 100; query++)
        for (let key = 0; key < (causal ? query + 1 : 100); key++) if (near(w)(0, query, key)) sum++
      return sum
    }
    const width = Array.from({ length: 101 }, (_, w) => w).find((w) => count(w) === pairs)
    expect(half.metrics['kept attention']).toBeCloseTo(plainKept(inputs, near(width!)), 4)
  })

  test('nothing keeps more than the exact choice does', () => {
    const kept = (name: string) => {
      const run = (hooks: Hooks) => hooks.attention?.(0, inputs)
      const options = { model: 'random', layers: [0], data: 'random', blockShape, sparsities: [0.6], seed: 1 }
      const [{ metrics }] = attentionEvidence({
        ...options,
        run,
        selectors: selectors.filter((selector) => selector.name === name),
      })
      return metrics['kept attention']!
    }
    expect(kept('exact')).toBeGreaterThan(kept('pooled'))
    expect(kept('pooled')).toBeGreaterThan(kept('random blocks') - 0.1)
  })
})

test('perplexity evidence: masks reach every layer, dense stands beside them', async () => {
  const decoder = await tinyDecoder(96)
  const tokens = Array.from({ length: 96 }, (_, i) => (i * i + 3) % 70)
  const records = perplexityEvidence({
    model: 'tiny',
    decoder,
    tokens,
    data: 'squares',
    blockShape: [8, 8],
    sparsities: [0, 0.8],
    seed: 1,
    selectors: selectors.filter(({ name }) => name === 'vertical-slash'),
  })
  for (const record of records) expect(qualityRecordSchema.parse(record)).toEqual(record)
  const [dense, all, few] = records
  expect(records.map(({ method }) => method)).toEqual(['dense', 'vertical-slash', 'vertical-slash'])
  expect(dense).toMatchObject({ sparsity: 0, metrics: { perplexity: perplexity(decoder, [tokens]) } })
  expect(all.sparsity).toBe(0)
  expect(all.metrics.perplexity! / dense.metrics.perplexity!).toBeCloseTo(1, 4)
  expect(few.sparsity).toBeGreaterThan(0.6)
  expect(Math.abs(few.metrics.perplexity! / dense.metrics.perplexity! - 1)).toBeGreaterThan(1e-3)
  decoder.dispose()
})
