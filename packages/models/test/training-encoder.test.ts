import { beforeAll, describe, expect, test } from 'vitest'
import { Encoder } from '../src/encoder/encoder.ts'
import { Batches } from '../src/training/batches.ts'
import { restoreTraining, saveTraining } from '../src/training/checkpoint.ts'
import { Distillation, type DistillationOptions } from '../src/training/distillation.ts'
import { embeddingLoss } from '../src/training/embedding-loss.ts'
import { TrainableEncoder } from '../src/training/trainable-encoder.ts'
import type { FloatTensor, WeightSource } from '../src/weights.ts'
import { encoderConfig, encoderWeights } from './tiny.ts'

const sequences = [[3, 1, 4, 1, 5], [9], [2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3]]
const sequenceOffsets = [0, 5, 6, 18]

const dense: WeightSource = encoderWeights()
/** With two thirds of the linear weights zeroed. */
const pruned: WeightSource = {
  async read(name) {
    const tensor = await dense.read(name)
    if (!/(query|key|value|dense)\.weight$/.test(name)) return tensor
    return { ...tensor, data: tensor.data.map((value, i) => ((i * 7) % 3 === 0 ? value : 0)) }
  },
}

const teacher = () => Encoder.read(dense, encoderConfig, 32)

/** What the embeddings of an encoder give, as the first linear layer sees it. */
async function inputOf(source: WeightSource) {
  const encoder = await Encoder.read(source, encoderConfig, 32)
  let input = new Float32Array()
  const { data } = encoder.run(sequences, {
    linear(name, x) {
      if (name === 'encoder.layer.0.attention.self.query') input = x.data.slice()
    },
  })
  return { input: { dtype: 'f32', shape: [18, 16], strides: [16, 1], data: input } as never, expected: data }
}

describe.each([
  ['dense', dense],
  ['pruned', pruned],
] as const)('a trainable %s encoder', (_, weights) => {
  test('computes what the encoder computes, and is a source of the same tensors', async () => {
    const { input, expected } = await inputOf(weights)
    const student = await TrainableEncoder.read(weights, encoderConfig)
    const states = student.forward(input, sequenceOffsets)
    expect(states).toHaveLength(2)
    const last = states[1].data
    for (let i = 0; i < expected.length; i++) expect(last[i]).toBeCloseTo(expected[i], 4)
    for (const name of ['encoder.layer.1.attention.self.key.weight', 'encoder.layer.0.output.dense.bias'])
      expect(await student.read(name)).toEqual({ ...(await weights.read(name)), name })
    student.dispose()
  })

  test('has the gradients of finite differences', async () => {
    const { input } = await inputOf(weights)
    const student = await TrainableEncoder.read(weights, encoderConfig)
    const target = (await teacher()).run(sequences)
    // Both states enter, so that gradients from above and of an inner layer meet.
    const loss = (save: boolean) => {
      const [inner, last] = student.forward(input, sequenceOffsets, save)
      const output = embeddingLoss(last, target, sequenceOffsets)
      const sum = inner.data.reduce((total, value, i) => total + value * Math.sin(i), 0) / 50
      return { value: output.loss + sum, slopes: [inner.data.map((__, i) => Math.sin(i) / 50), output.gradient.data] }
    }
    const { slopes } = loss(true)
    student.backward(slopes.map((data) => ({ ...(input as object), data })) as never)
    for (const parameter of student.parameters) {
      const { data } = parameter.value
      const gradient = parameter.gradient!
      expect(gradient).toHaveLength(data.length)
      for (const at of [0, data.length >> 1, data.length - 1]) {
        const before = data[at]
        const values = [before + 4e-3, before - 4e-3].map((value) => {
          data[at] = value
          parameter.version++
          return loss(false).value
        })
        data[at] = before
        parameter.version++
        const expected = (values[0] - values[1]) / 8e-3
        expect(Math.abs(gradient[at] - expected), `${parameter.name}[${at}]`).toBeLessThan(
          2e-3 + 0.02 * Math.abs(expected),
        )
      }
    }
    student.dispose()
  })
})

describe('distillation', () => {
  let options: Omit<DistillationOptions, 'student'>
  beforeAll(async () => {
    options = { teacher: await teacher(), sequences, tokens: 13, steps: 40, learningRate: 5e-3, seed: 1 }
  })

  test('brings a pruned encoder nearer to the dense one and keeps its zeros after every step', async () => {
    const student = await TrainableEncoder.read(pruned, encoderConfig)
    const zeros = (tensor: FloatTensor) => tensor.data.map((value) => (value === 0 ? 1 : 0))
    const name = 'encoder.layer.1.intermediate.dense.weight'
    const before = zeros(await student.read(name))
    const distillation = new Distillation({ ...options, student })
    const losses: number[] = []
    while (!distillation.done) {
      const { loss, hiddenLoss, embeddingLoss: output } = distillation.step()
      expect(loss).toBeCloseTo(hiddenLoss + output, 6)
      losses.push(loss)
      expect(zeros(await student.read(name))).toEqual(before)
    }
    const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length
    expect(mean(losses.slice(-5))).toBeLessThan(0.5 * mean(losses.slice(0, 5)))
    const trained = await Encoder.read(student, encoderConfig, 32)
    const fresh = await Encoder.read(pruned, encoderConfig, 32)
    const target = options.teacher.encodeTokens(sequences).data
    const cosine = (encoder: Encoder) =>
      encoder.encodeTokens(sequences).data.reduce((sum, x, i) => sum + x * target[i], 0) / 3
    expect(cosine(trained)).toBeGreaterThan(cosine(fresh))
    student.dispose()
  })

  test('ends with the same bits where it was interrupted and went on from a checkpoint', async () => {
    const start = async () => {
      const student = await TrainableEncoder.read(pruned, encoderConfig)
      return { student, distillation: new Distillation({ ...options, steps: 6, student }) }
    }
    const [whole, first] = [await start(), await start()]
    while (!whole.distillation.done) whole.distillation.step()
    for (let step = 0; step < 3; step++) first.distillation.step()
    const bytes = saveTraining(first.student.parameters, first.distillation.optimiser, 'run a')
    // From the dense encoder on: the patterns are in the file.
    const student = await TrainableEncoder.read(dense, encoderConfig)
    const second = new Distillation({ ...options, steps: 6, student })
    expect(restoreTraining(bytes, student.parameters, second.optimiser, 'run b', 'a file')).toBe(false)
    expect(restoreTraining(bytes, student.parameters, second.optimiser, 'run a', 'a file')).toBe(true)
    expect(second.optimiser.steps).toBe(3)
    while (!second.done) second.step()
    for (const name of ['encoder.layer.0.attention.self.value.weight', 'encoder.layer.1.output.LayerNorm.bias'])
      expect(await student.read(name)).toEqual(await whole.student.read(name))
  })
})

test('batches hold every sequence once in each epoch and are the same whichever step comes first', () => {
  const many = Array.from({ length: 30 }, (_, i) => Array(1 + (i % 7)).fill(i))
  const batches = new Batches(many, 12, 3)
  const inOrder = Array.from({ length: 25 }, (_, step) => batches.at(step))
  for (const batch of inOrder) expect(batch.flat().length).toBeLessThanOrEqual(12)
  const first: number[] = []
  for (let step = 0; first.length < 30; step++) first.push(...inOrder[step].map(([index]) => index))
  expect(first.sort((a, b) => a - b)).toEqual([...Array(30).keys()])
  expect(new Batches(many, 12, 3).at(24)).toEqual(inOrder[24])
  expect(() => new Batches(many, 6, 3)).toThrow('batches of 6 tokens: expected sequences of at most as many, got 7')
})
