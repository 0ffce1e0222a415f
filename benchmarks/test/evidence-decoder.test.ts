import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DECODER_POINTS, type DecoderPoint, decoderEvidence, pointName } from '../src/evidence/decoder.ts'
import { readBrown } from '../src/evidence/text.ts'
import { perplexityOf } from '../src/evidence/window-surprise.ts'
import { type QualityRecord, qualityRecordSchema } from '../src/records/index.ts'
import { tinyDecoder } from './networks-tiny.ts'

const window = (start: number) => Array.from({ length: 20 }, (_, i) => (i * i + start) % 70)

describe('decoder evidence', () => {
  async function run(
    points: readonly DecoderPoint[],
    known: readonly QualityRecord[] = [],
    kept = new Map<string, Uint8Array>(),
  ) {
    const [decoder, teacher] = [await tinyDecoder(60), await tinyDecoder(60)]
    const records: QualityRecord[] = []
    const said: string[] = []
    await decoderEvidence({
      model: 'tiny',
      decoder,
      teacher,
      points,
      calibration: [1, 2, 3].map(window),
      run: 'one',
      judged: [{ name: 'text', windows: [11, 12, 13, 14].map(window) }],
      tuning: { windows: [5, 6].map(window), tokens: 40, steps: 12, learningRate: 3e-3 },
      seed: 1,
      known,
      keep: {
        load: async (name) => kept.get(name),
        async save(name, bytes) {
          kept.set(name, bytes.slice())
        },
      },
      async onRecord(record) {
        records.push(qualityRecordSchema.parse(record))
      },
      onProgress: (step) => said.push(step),
    })
    for (const each of [decoder, teacher]) each.dispose()
    return { records, kept, said }
  }

  const half: DecoderPoint = { method: 'wanda', pattern: { kind: 'unstructured' }, sparsity: 0.5 }
  const points: DecoderPoint[] = [
    { method: 'dense' },
    half,
    { method: 'magnitude', pattern: { kind: 'nm', n: 2, m: 4 } },
    { ...half, tuned: true },
    { method: 'dense', tuned: true },
  ]

  test('judges every point from the dense weights, and tunes from kept ones', async () => {
    const { records, kept } = await run(points)
    expect(records.map(({ method }) => method)).toEqual([
      'dense',
      'wanda unstructured',
      'magnitude 2:4',
      'wanda unstructured + distilled 12 steps',
      'dense + tuned 12 steps',
    ])
    expect(records.map(({ sparsity }) => Math.round(sparsity * 100))).toEqual([0, 50, 50, 50, 0])
    const [dense, pruned, , tuned, tunedDense] = records.map(({ metrics }) => metrics)
    expect(dense['perplexity / dense']).toBe(1)
    expect(pruned['perplexity / dense']).toBeCloseTo(pruned.perplexity! / dense.perplexity!, 9)
    expect(dense['perplexity low']).toBeLessThan(dense.perplexity!)
    expect(tuned.perplexity).not.toBe(pruned.perplexity)
    expect(tunedDense.perplexity).not.toBe(dense.perplexity)
    expect(pruned['tokens/s (decode, 1 thread)']).toBeGreaterThan(0)
    expect(pruned['MB of weights']).toBeGreaterThan(0)
    expect([...kept.keys()].sort()).toEqual([
      'one-dense-tuned-12-steps.checkpoint',
      'one-dense-tuned-12-steps.checkpoint.seconds',
      'one-wanda-unstructured-0.5',
      'one-wanda-unstructured-0.5.seconds',
      'one-wanda-unstructured-distilled-12-steps-at-0.5.checkpoint',
      'one-wanda-unstructured-distilled-12-steps-at-0.5.checkpoint.seconds',
    ])
  })

  test('goes on from kept weights and checkpoints, with the same result', async () => {
    const first = await run(points.slice(0, 4))
    const again = await run(points.slice(0, 4), [], first.kept)
    expect(again.said).toContain('wanda unstructured + distilled 12 steps at 0.5: goes on')
    for (const [i, { metrics }] of again.records.entries())
      expect(metrics.perplexity).toBeCloseTo(first.records[i].metrics.perplexity!, 4)
  })

  test('leaves out what is known, and compares with the dense network that is', async () => {
    const { records: all } = await run(points.slice(0, 2))
    const { records } = await run(points.slice(0, 3), all)
    expect(records.map(({ method }) => method)).toEqual(['magnitude 2:4'])
    expect(records[0].metrics['perplexity / dense']).toBeCloseTo(
      records[0].metrics.perplexity! / all[0].metrics.perplexity!,
      9,
    )
  })

  test('has a point for every method, pattern and sparsity, each once', () => {
    const names = DECODER_POINTS.map((point) => `${pointName(point, 30)} ${point.sparsity ?? ''}`)
    expect(new Set(names).size).toBe(names.length)
    expect(names).toContain('sparsegpt 2:4 g=2 ')
    expect(names).toContain('sparsegpt 2:4 + distilled 30 steps ')
    expect(names.filter((name) => name.startsWith('magnitude'))).toHaveLength(9)
  })
})

test('perplexity over windows, with an interval that holds it', () => {
  const windows = [2, 3, 2.5, 4].map((nats, i) => ({ surprise: nats * (10 + i), judged: 10 + i }))
  const { value, low, high } = perplexityOf(windows)
  expect(value).toBeCloseTo(Math.exp((20 + 33 + 30 + 52) / 46), 12)
  expect(low).toBeLessThan(value)
  expect(high).toBeGreaterThan(value)
  expect(perplexityOf(windows.slice(0, 1))).toEqual({ value: Math.exp(2), low: Math.exp(2), high: Math.exp(2) })
})

test('the Brown corpus, without tags', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nnz-brown-'))
  try {
    await expect(readBrown(folder)).rejects.toThrow('expected files of the Brown corpus')
    for (const name of ['ca02', 'ca01', 'README'])
      await writeFile(join(folder, name), "\n\n\tThe/at ``/`` jury/nn ''/'' said/vbd 1/2/cd ./.\n\n\tNo/at\n")
    expect(await readBrown(folder)).toEqual({
      text: 'The " jury " said 1/2 .\nNo',
      name: 'Brown corpus, 1 of 2 files',
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})
