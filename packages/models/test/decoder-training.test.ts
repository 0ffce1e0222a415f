import { Random } from '@nnz/backprop/kit'
import { tensor } from '@nnz/core'
import { describe, expect, test } from 'vitest'
import { Decoder } from '../src/decoder/decoder.ts'
import { NextTokenLoss } from '../src/training/decoder/next-token-loss.ts'
import { TrainableDecoder } from '../src/training/decoder/trainable-decoder.ts'
import { DecoderTuning } from '../src/training/decoder/tuning.ts'
import { decoderConfig, decoderWeights } from './tiny.ts'

const { width, vocabulary } = decoderConfig
const windows = [
  [3, 1, 4, 1, 5],
  [2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3],
]

const read = () => Decoder.read(decoderWeights(), decoderConfig, 80)

/** Keeps the larger half of every matrix. */
async function pruned(): Promise<Decoder> {
  const decoder = await read()
  for (const layer of decoder.linearLayers) {
    const { weights } = layer
    const middle = Float32Array.from(weights, Math.abs).sort()[weights.length / 2]
    layer.set(weights.map((weight) => (Math.abs(weight) < middle ? 0 : weight)))
  }
  return decoder
}

const normal = (random: Random, count: number) => Float32Array.from({ length: count }, () => random.normal())

describe('a decoder that is trained', () => {
  test.each([
    ['dense', read],
    ['pruned', pruned],
  ])('computes what the decoder computes, %s, and gives it back', async (_, make) => {
    const decoder = await make()
    const student = new TrainableDecoder(decoder)
    const expected = decoder.run(windows).data
    const states = student.forward(decoder.head.embed(windows.flat()), [0, 5, 17], false).data
    for (let i = 0; i < expected.length; i++) expect(states[i]).toBeCloseTo(expected[i], 4)
    const other = await read()
    student.writeTo(other)
    const given = other.run(windows).data
    for (let i = 0; i < expected.length; i++) expect(given[i]).toBeCloseTo(expected[i], 4)
    for (const each of [decoder, student, other]) each.dispose()
  })

  test.each([
    ['dense', read],
    ['pruned', pruned],
  ])('has the gradients that differences show, %s', async (_, make) => {
    const decoder = await make()
    const student = new TrainableDecoder(decoder)
    const random = new Random(5)
    const x = decoder.head.embed(windows.flat())
    const slope = tensor(normal(random, 17 * width), [17, width])
    const loss = () =>
      student.forward(x, [0, 5, 17], false).data.reduce((sum, state, i) => sum + state * slope.data[i], 0)
    student.forward(x, [0, 5, 17])
    student.backward(slope)
    expect(student.parameters).toHaveLength(13)
    for (const parameter of student.parameters) {
      const { data } = parameter.value
      const before = data.slice()
      const direction = normal(random, data.length)
      const along = parameter.gradient!.reduce((sum, g, i) => sum + g * direction[i], 0)
      const at = (step: number) => {
        data.set(before.map((value, i) => value + step * direction[i]))
        parameter.version++
        return loss()
      }
      const step = 2e-3
      const measured = (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)
      expect(Math.abs(measured - along), parameter.name).toBeLessThan(0.01 * Math.abs(along) + 0.05)
      data.set(before)
      parameter.version++
    }
    student.dispose()
    decoder.dispose()
  })
})

describe('the loss', () => {
  // Whole vectors, and not.
  test.each([vocabulary, 64])('is what its definition says, and so is its gradient, of %i tokens', (vocabulary) => {
    const random = new Random(3)
    const [states, teacher] = [0, 1].map(() => tensor(normal(random, 6 * width), [6, width]))
    const head = tensor(normal(random, vocabulary * width), [vocabulary, width])
    const labels = [4, 0, -1, 63, 7, -1]
    const plain = (x: Float32Array, share: number) => {
      const logs = (data: Float32Array, row: number) => {
        const logits = Array.from({ length: vocabulary }, (_, token) =>
          Array.from({ length: width }, (_, i) => data[row * width + i] * head.data[token * width + i]).reduce(
            (a, b) => a + b,
          ),
        )
        const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0))
        return logits.map((logit) => logit - total)
      }
      return labels.reduce((sum, label, row) => {
        if (label < 0) return sum
        const [own, other] = [logs(x, row), logs(teacher.data, row)]
        const divergence = other.reduce((all, q, i) => all + Math.exp(q) * (q - own[i]), 0)
        return sum + ((share - 1) * own[label] + share * divergence) / 4
      }, 0)
    }
    for (const share of [0, 0.5, 1]) {
      const { loss, surprise, divergence, gradient } = new NextTokenLoss(head, 4, share).run(states, labels, teacher)
      expect(loss).toBeCloseTo(plain(states.data, share), 4)
      expect(loss).toBeCloseTo((1 - share) * surprise + share * divergence, 6)
      for (const i of [0, 5, width + 3, 2 * width, 3 * width + 9, 6 * width - 1]) {
        const at = (step: number) =>
          plain(
            states.data.map((value, j) => (i === j ? value + step : value)),
            share,
          )
        expect(gradient.data[i]).toBeCloseTo((at(1e-3) - at(-1e-3)) / 2e-3, 2)
      }
    }
  })
})

describe('tuning', () => {
  test('brings a pruned decoder nearer to the dense one, and keeps its zeros', async () => {
    const teacher = await read()
    const decoder = await pruned()
    const zeros = decoder.linearLayers.map(({ weights }) => weights.map((weight) => Number(weight === 0)))
    const student = new TrainableDecoder(decoder)
    const taught = new Map<readonly number[], Float32Array>()
    const options = { teacher, student, windows, tokens: 17, steps: 30, learningRate: 3e-3, seed: 1, taught }
    const tuning = new DecoderTuning(options)
    const losses: number[] = []
    while (!tuning.done) losses.push(tuning.step().loss)
    tuning.dispose()
    expect(losses).toHaveLength(30)
    expect(losses[29]).toBeLessThan(0.5 * losses[0])
    expect(taught.size).toBe(2)
    student.writeTo(decoder)
    for (const [i, { weights }] of decoder.linearLayers.entries())
      for (const [at, zero] of zeros[i].entries()) expect(zero === 1 && weights[at] !== 0).toBe(false)
    for (const each of [teacher, decoder, student]) each.dispose()
  })
})
