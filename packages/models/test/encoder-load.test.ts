import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bsr, type Csr, csr, nm, tensor } from '@nnz/core'
import { load, save } from '@nnz/core/storage'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Encoder } from '../src/index.ts'
import { encoderConfig, encoderWeights, tinyTokenizer } from './tiny.ts'

const description = {
  model_type: 'bert',
  vocab_size: encoderConfig.vocabulary,
  max_position_embeddings: encoderConfig.positions,
  num_hidden_layers: encoderConfig.layers,
  num_attention_heads: encoderConfig.heads,
  hidden_size: encoderConfig.width,
  intermediate_size: encoderConfig.innerWidth,
  layer_norm_eps: encoderConfig.epsilon,
}

const texts = ['ba be bi', 'bo', 'ca ce ci co ca ce ci co ca ce ci co']

/** A checkpoint as it is published, perhaps with a prefix before all names. */
function checkpoint(prefix = ''): Uint8Array<ArrayBuffer> {
  const weights = encoderWeights()
  return save(
    weights.names.map((name) => [`${prefix}${name}`, tensor(weights.get(name).data, weights.get(name).shape)]),
  )
}

const files = { weights: checkpoint(), tokenizer: tinyTokenizer(), config: description }

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nnz-encoder-'))
  await writeFile(join(folder, 'model.safetensors'), checkpoint('bert.'))
  await writeFile(join(folder, 'config.json'), JSON.stringify(description))
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tinyTokenizer()))
  await writeFile(join(folder, 'sentence_bert_config.json'), JSON.stringify({ max_seq_length: 6 }))
})
afterAll(() => rm(folder, { recursive: true }))

const zerosOf = (encoder: Encoder) =>
  encoder.linearLayers.map(({ weights }) => weights.filter((weight) => weight === 0).length / weights.length)

describe('loading', () => {
  test('a folder and the contents of its files are the same, texts cut as the model says', async () => {
    const [fromFolder, fromBytes] = [await Encoder.load(folder), await Encoder.load(files, { longest: 6 })]
    const embeddings = fromFolder.encode(texts)
    expect(embeddings.shape).toEqual([3, 16])
    expect(fromBytes.encode(texts).data).toEqual(embeddings.data)
    for (let row = 0; row < 3; row++)
      expect(Math.hypot(...embeddings.data.subarray(16 * row, 16 * (row + 1)))).toBeCloseTo(1, 6)
    expect(fromFolder.tokenizer?.encode(texts[2])).toHaveLength(6)
    const whole = await Encoder.load({
      ...files,
      weights: new Blob([files.weights]),
      tokenizer: JSON.stringify(tinyTokenizer()),
    })
    expect(whole.tokenizer?.encode(texts[2])).toHaveLength(12)
    const { data } = whole.encode(texts.slice(0, 2))
    for (let i = 0; i < data.length; i++) expect(data[i]).toBeCloseTo(embeddings.data[i], 6)
    const again = await Encoder.load({ weights: await fromFolder.save() })
    expect(again.encode(texts).data).toEqual(embeddings.data)
    for (const encoder of [fromFolder, fromBytes, whole, again]) encoder.dispose()
  })

  test('weights alone find in their folder what they do not bring themselves', async () => {
    const path = join(folder, 'pruned.safetensors')
    await writeFile(path, checkpoint())
    const [beside, whole] = [await Encoder.load(path), await Encoder.load(folder)]
    expect(beside.encode(texts).data).toEqual(whole.encode(texts).data)
    await (await Encoder.load(files)).save(path)
    const saved = await Encoder.load(path)
    expect(saved.tokenizer?.encode(texts[2])).toHaveLength(12)
    for (const each of [beside, whole, saved]) each.dispose()
    await writeFile(path, new Uint8Array(100))
    await expect(Encoder.load(path)).rejects.toThrow('pruned.safetensors')
  })

  test('says what is missing or wrong', async () => {
    const open = (given: object, options = {}) => Encoder.load({ ...files, ...given }, options)
    await expect(open({ config: undefined })).rejects.toThrow('there is no config.json, and no option config')
    await expect(open({ config: { ...description, num_attention_heads: 3 } })).rejects.toThrow(
      'heads whose size is a multiple of 4',
    )
    await expect(open({ config: { ...description, hidden_act: 'relu' } })).rejects.toThrow('config.json: hidden_act')
    await expect(open({ config: { ...description, hidden_size: 0 } })).rejects.toThrow('config.json: hidden_size')
    await expect(open({ tokenizer: '{' })).rejects.toThrow('tokenizer.json: expected JSON')
    await expect(open({ weights: files.weights.subarray(0, 100) })).rejects.toThrow('model.safetensors')
    await expect(Encoder.load(5 as never)).rejects.toThrow('expected a path, or { weights, tokenizer, config }, got 5')
    await expect(Encoder.load(join(folder, 'nothing'))).rejects.toThrow('ENOENT')
    await expect(open({}, { tokens: 0 })).rejects.toThrow(
      'encoder: expected tokens to be a whole number above 0, got 0',
    )
    await expect(open({}, { method: 'magnitude' })).rejects.toThrow(/sparsity/)
    await expect(open({}, { sparsity: 2 })).rejects.toThrow(/sparsity/)
    await expect(open({}, { method: 'wanda', sparsity: 0.5 })).rejects.toThrow('calibration')
    const silent = await open({ tokenizer: undefined }, { sparsity: 0.5 })
    expect(silent.report?.total.sparsity).toBe(0.5)
    expect(() => silent.encode(['ba'])).toThrow('encoder.encode: it has no tokeniser')
    silent.dispose()
    const encoder = await open({})
    expect(() => encoder.encode('ba' as never)).toThrow('encoder.encode: expected texts, got "ba"')
    encoder.dispose()
  })
})

describe('pruning', () => {
  test.each([
    [{ sparsity: 0.7 }, 'magnitude', 0.7],
    [{ sparsity: 0.5, method: 'wanda', calibration: texts }, 'wanda', 0.5],
    [{ sparsity: 0.8, calibration: texts }, 'sparsegpt', 0.8],
    [{ pattern: { kind: 'nm', n: 2, m: 4 }, calibration: texts }, 'sparsegpt', 0.5],
  ] as const)('while loading: %o', async (options, method, sparsity) => {
    const steps: number[] = []
    const encoder = await Encoder.load(files, { ...options, onProgress: ({ done }) => steps.push(done) })
    expect(steps).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
    expect(encoder.report).toMatchObject({ method })
    const zeros = zerosOf(encoder)
    for (const share of zeros) expect(share).toBeCloseTo(sparsity, 1)
    const dense = await Encoder.load(files)
    expect(dense.report).toBeUndefined()
    const [a, b] = [encoder, dense].map((each) => each.encode(texts).data)
    expect(a).not.toEqual(b)

    const bytes = await encoder.save()
    const again = await Encoder.load({ weights: bytes })
    expect(again.encode(texts).data).toEqual(a)
    expect(zerosOf(again)).toEqual(zeros)
    expect([...again.kernels]).toEqual([...encoder.kernels])
    for (const each of [encoder, dense, again]) each.dispose()
  })

  test('saves sparse layers as what they are, and a file that is loaded by its path', async () => {
    const encoder = await Encoder.load(files, { sparsity: 0.9 })
    const path = join(folder, 'pruned.safetensors')
    const bytes = await encoder.save(path)
    const { weights } = load(bytes)
    const { name } = encoder.linearLayers[4]
    expect((weights.get(`${name}.weight`) as Csr).layout).toBe('csr')
    expect((weights.get(`${name}.weight`) as Csr).nnz).toBe(Math.round(0.1 * 16 * 24))
    const again = await Encoder.load(path)
    expect(again.encode(texts).data).toEqual(encoder.encode(texts).data)
    for (const each of [encoder, again]) each.dispose()
  })

  test.each([
    ['csr', (w: Float32Array, shape: number[]) => csr.fromDense(w, shape)],
    ['bsr', (w: Float32Array, shape: number[]) => bsr.fromDense(w, shape, [4, 1])],
    ['nm', (w: Float32Array, shape: number[]) => nm.fromDense(w, shape, { n: 2, m: 4 })],
    ['i8', (w: Float32Array, shape: number[]) => csr.quantise(csr.fromDense(w, shape), { type: 'i8' })],
  ] as const)('loads layouts that other programs stored: %s', async (_, store) => {
    const weights = encoderWeights()
    const stored = weights.names.map((name) => {
      const { data, shape } = weights.get(name)
      const layer = name.startsWith('encoder.layer') && shape.length === 2
      return [name, layer ? store(data, [...shape]) : tensor(data, shape)] as const
    })
    const encoder = await Encoder.load({ ...files, weights: save(stored) })
    const { name, rows, columns, weights: values } = encoder.linearLayers[5]
    const [, layout] = stored.find(([other]) => other === `${name}.weight`)!
    const expected = load(save({ w: layout })).weights.get('w') as never
    expect([rows, columns]).toEqual((expected as { shape: number[] }).shape)
    const dense =
      _ === 'bsr' ? bsr.toDense(expected) : _ === 'nm' ? nm.toDense(expected) : csr.toDense(csr.toFloat32(expected))
    expect(values).toEqual(dense)
    encoder.dispose()
  })

  test('a stream sees what the encoder computes with, in groups as in one', async () => {
    const sequences = [[3, 1, 4, 1, 5], [9], [2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3]]
    const one = await Encoder.load(files)
    const seen = new Map<string, number[]>()
    one.run(sequences, { linear: (name, { data }) => seen.set(name, [...data]) })
    for (const tokens of [1, 6, 100]) {
      const encoder = await Encoder.load(files, { tokens })
      const told = new Map<string, number[]>()
      const finished: number[] = []
      const network = encoder.prunable(sequences)
      expect(network.stages.map((stage) => stage.length)).toEqual([3, 1, 1, 1, 3, 1, 1, 1])
      await network.stream({
        observe({ name, columns }, { data, shape, strides }) {
          const rows = told.get(name) ?? []
          told.set(name, rows)
          for (let i = 0; i < shape[0] * columns; i++)
            rows.push(data[Math.floor(i / columns) * strides[0] + (i % columns) * strides[1]])
        },
        finished: (stage) => void finished.push(stage),
      })
      expect(finished).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
      expect([...told.keys()]).toEqual([...seen.keys()])
      for (const [name, rows] of told) {
        expect(rows).toHaveLength(seen.get(name)!.length)
        for (const [i, value] of rows.entries()) expect(value).toBeCloseTo(seen.get(name)![i], 4)
      }
      encoder.dispose()
    }
    one.dispose()
  })

  test('a stage that is replaced in a stream gives its inputs to those after it', async () => {
    const encoder = await Encoder.load(files)
    const network = encoder.prunable(texts)
    const largest = new Map<string, number>()
    await network.stream({
      observe: ({ name }, { data }) => largest.set(name, Math.max(...data.map(Math.abs))),
      finished(stage) {
        if (stage === 2) for (const layer of network.stages[2]) layer.set(new Float32Array(layer.weights.length))
      },
    })
    const inner = largest.get('encoder.layer.0.output.dense')!
    const bias = encoderWeights().get('encoder.layer.0.intermediate.dense.bias').data
    expect(inner).toBeLessThanOrEqual(Math.max(...bias.map(Math.abs)))
    encoder.dispose()
  })
})

test('groups of any size give the same embeddings; a longer sequence makes room for itself', async () => {
  const sequences = [[], [3, 1, 4, 1, 5], [9], [], [2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3], [7, 7]]
  const all = await Encoder.load(files)
  const expected = all.encodeTokens(sequences).data
  expect([...expected.subarray(0, 16)]).toEqual(new Array(16).fill(0))
  expect(all.encodeTokens([]).shape).toEqual([0, 16])
  for (const tokens of [1, 5, 7]) {
    const encoder = await Encoder.load(files, { tokens })
    for (const round of [0, 1]) {
      const { data } = encoder.encodeTokens(sequences)
      for (let i = 0; i < data.length; i++) expect(data[i], `${tokens} ${round} ${i}`).toBeCloseTo(expected[i], 5)
    }
    encoder.dispose()
  }
  // More sequences than tokens, all at once.
  const many = [...new Array(500).fill([]), [9]]
  const { data } = all.encodeTokens(many, { linear() {} })
  expect([...data.subarray(0, 500 * 16)].every((value) => value === 0)).toBe(true)
  for (let i = 0; i < 16; i++) expect(data[500 * 16 + i]).toBeCloseTo(expected[32 + i], 5)
  const { weights, embeddings, activations } = all.memory
  expect(embeddings).toBe(4 * 16 * (20 + 12))
  expect(activations).toBeGreaterThan(4 * 120 * 128)
  expect(weights).toBeGreaterThanOrEqual(4 * 2 * (4 * 256 + 2 * 384) * 0.99)
  all.dispose()
})
