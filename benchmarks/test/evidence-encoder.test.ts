import { Encoder } from '@nnz/models'
import { describe, expect, test } from 'vitest'
import { encoderConfig, encoderWeights } from '../../packages/models/test/tiny.ts'
import { type EncoderEvidenceOptions, encoderEvidence } from '../src/evidence/encoder.ts'
import {
  DISTILLED_POINTS,
  ENCODER_POINTS,
  type EncoderPoint,
  encoderPointName,
} from '../src/evidence/encoder-points.ts'
import { SimilarityJudge } from '../src/evidence/similarity.ts'
import { sentencesOf } from '../src/evidence/text.ts'
import { type QualityRecord, qualityRecordSchema } from '../src/records/index.ts'

const sequence = (start: number) => Array.from({ length: 4 + (start % 5) }, (_, i) => (i * i + start) % 20)
const pairs = Array.from({ length: 12 }, (_, i) => ({ score: i % 6, sentences: ['a', 'b'] as const }))

describe('encoder evidence', () => {
  const kept = new Map<string, Uint8Array>()
  async function run(points: readonly EncoderPoint[], changes: Partial<EncoderEvidenceOptions> = {}) {
    const records: QualityRecord[] = []
    const said: string[] = []
    await encoderEvidence({
      model: 'tiny',
      source: encoderWeights(),
      config: encoderConfig,
      read: (source) => Encoder.read(source, encoderConfig, 40),
      points,
      calibration: [1, 2, 3, 4].map(sequence),
      distillation: { sequences: [5, 6, 7, 8].map(sequence), tokens: 16, learningRate: 5e-3, warmup: 2, seed: 1 },
      pairs,
      pairTokens: pairs.flatMap((_, i) => [sequence(i), sequence(3 * i + 1)]),
      data: 'pairs',
      known: [],
      keep: {
        load: async (name) => kept.get(name),
        async save(name, bytes) {
          kept.set(name, bytes.slice())
        },
      },
      async onRecord(record) {
        records.push(qualityRecordSchema.parse(record))
      },
      onProgress: (_, point, detail) => said.push(`${point} ${detail}`),
      ...changes,
    })
    return { records, said }
  }

  const pattern = { kind: 'unstructured' } as const
  const half: EncoderPoint = { method: 'magnitude', pattern, sparsity: 0.5 }
  const distilled: EncoderPoint = {
    method: 'sparsegpt',
    pattern,
    sparsity: 0.75,
    distilled: [
      { sparsity: 0.5, steps: 5 },
      { sparsity: 0.75, steps: 25 },
    ],
  }

  test('judges every point beside the dense network', async () => {
    const oneShot = { method: 'sparsegpt', pattern, sparsity: 0.75 } as const
    const { records } = await run([{ method: 'dense' }, { method: 'zeroed' }, half, oneShot, distilled])
    expect(records.map(({ method }) => method)).toEqual([
      'dense',
      'zeroed',
      'magnitude unstructured',
      'sparsegpt unstructured',
      'sparsegpt unstructured + distilled 30 steps',
    ])
    expect(records.map(({ sparsity }) => Math.round(100 * sparsity))).toEqual([0, 100, 50, 75, 75])
    const [dense, , , pruned, taught] = records.map(({ metrics }) => metrics)
    expect(dense['cosine to dense']).toBeCloseTo(1, 5)
    expect([dense['Spearman x 100 - dense'], dense['Spearman x 100 - dense high']]).toEqual([0, 0])
    expect(taught['cosine to dense']).toBeGreaterThan(pruned['cosine to dense']!)
    for (const { metrics } of records) {
      expect(metrics['Spearman x 100 low']).toBeLessThanOrEqual(metrics['Spearman x 100']!)
      expect(metrics['sentences/s (32 x 64 tokens, 1 thread)']).toBeGreaterThan(0)
    }
  })

  test('goes on from checkpoints, and leaves known points out', async () => {
    // The last stage's checkpoint is from its end: nothing is pruned or trained again.
    const { records, said } = await run([distilled])
    expect(said.filter((line) => /step \d/.test(line))).toEqual([])
    const again = await run([distilled, half], { known: records })
    expect(again.records.map(({ method }) => method)).toEqual(['magnitude unstructured'])
    await expect(
      run([distilled], {
        distillation: { sequences: [sequence(5)], tokens: 16, learningRate: 1e-3, warmup: 2, seed: 1 },
      }),
    ).rejects.toThrow('is of another training')
  })

  test('gives no two points one name and sparsity', () => {
    const names = [...ENCODER_POINTS, ...DISTILLED_POINTS].map(
      (point) => `${encoderPointName(point)} ${point.sparsity}`,
    )
    expect(new Set(names).size).toBe(names.length)
    expect(names).toContain('sparsegpt unstructured, erk 0.7')
    expect(names).toContain('sparsegpt 2:4 g=2 undefined')
  })
})

test('a perfect order is judged 100, whatever is drawn; sides are compared pair by pair', () => {
  const angles = [0, 0.3, 0.6, 0.9, 1.2]
  const embeddings = Float32Array.from(angles.flatMap((angle) => [1, 0, Math.cos(angle), Math.sin(angle)]))
  const ordered = angles.map((_, i) => ({ score: 5 - i, sentences: ['a', 'b'] as const }))
  const judge = new SimilarityJudge(ordered, embeddings)
  const perfect = judge.judge(embeddings)
  for (const figure of Object.values(perfect.spearman)) expect(figure).toBeCloseTo(100, 8)
  const turned = Float32Array.from([...embeddings].reverse())
  const { spearman, change, cosine } = judge.judge(turned)
  expect(spearman.value).toBeCloseTo(-100, 5)
  expect(change.value).toBeCloseTo(-200, 5)
  expect(cosine.value).toBeLessThan(1)
})

test('sentences of prose are written as people write them', () => {
  const text =
    ' = Title = \n A well @-@ known town ( 1 @,@ 200 people ) lies there , near the " old " sea . Its second sentence is here .\n'
  expect(sentencesOf(text)).toEqual([
    'A well-known town (1,200 people) lies there, near the "old" sea.',
    'Its second sentence is here.',
  ])
})
