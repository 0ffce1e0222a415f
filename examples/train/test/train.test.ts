import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { trainingBytes } from '@nnz/backprop/kit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { matrix } from '../src/commands/matrix.ts'
import { summarise, trialsOf } from '../src/commands/search.ts'
import { loadTask } from '../src/data/load.ts'
import type { Task } from '../src/data/task.ts'
import { textTask } from '../src/data/text.ts'
import { createMethod, type MethodName } from '../src/methods.ts'
import { createNetwork } from '../src/networks.ts'
import { smallScale } from '../src/small.ts'
import { type TrainOptions, train } from '../src/train.ts'
import { imageFolder } from './fixtures.ts'

let folder = ''
let task: Task
beforeAll(async () => {
  folder = await imageFolder()
  task = await loadTask('fashion-mnist', folder)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const options: TrainOptions = {
  model: 'mlp',
  method: 'static',
  sparsity: 0.9,
  steps: 40,
  batch: 16,
  learningRate: 2e-3,
  seed: 1,
  recipe: 'dense',
  evaluateEvery: 1000,
  changeEvery: 5,
  checkpointEvery: 1000,
  resume: false,
}

describe.each(['static', 'set', 'rigl', 'gradual'] as const)('%s', (method) => {
  it('ends at the sparsity that was asked for, learns, and costs less than dense', async () => {
    const losses: number[] = []
    const [sparse, dense] = [
      await train(task, { ...options, method }, (_, loss) => losses.push(loss)),
      await train(task, { ...options, method: 'dense' }),
    ]
    expect(sparse.sparsity).toBeCloseTo(0.9, 4)
    expect(losses.at(-1)).toBeLessThan(losses[0])
    for (const key of ['flopsPerStep', 'averageParameters', 'parameters', 'peakBytes'] as const)
      expect(sparse[key], key).toBeLessThan(
        method === 'gradual' && key === 'peakBytes' ? Number.POSITIVE_INFINITY : dense[key],
      )
    if (method !== 'gradual') expect(sparse.averageParameters).toBe(sparse.parameters)
  })
})

it('row 171: the small dense network takes no more bytes than the sparse one, its indices counted, and nearly as many', async () => {
  for (const model of ['mlp', 'convnet'] as const) {
    const network = createNetwork(model, task, 1, smallScale(task, { model, sparsity: 0.9, seed: 1 }))
    const small = trainingBytes(network.module).weights
    const sparse = createNetwork(model, task, 1)
    createMethod(sparse, { name: 'static', sparsity: 0.9, steps: 1, seed: 1, every: 1 }).begin()
    const bytes = trainingBytes(sparse.module).weights
    expect(small).toBeLessThanOrEqual(bytes)
    expect(small).toBeGreaterThan(0.9 * bytes)
  }
  const result = await train(task, { ...options, method: 'small-dense' })
  expect(result.sparsity).toBe(0)
})

it('row 4: a sparse phase costs what it keeps, the dense one after it trains every weight', async () => {
  const result = await train(task, { ...options, method: 'sparse-dense' })
  const [sparse, dense] = [
    await train(task, { ...options, method: 'static' }),
    await train(task, { ...options, method: 'dense' }),
  ]
  expect(result.parameters).toBe(dense.parameters)
  expect(result.sparsity).toBe(0)
  expect(result.averageParameters).toBe(0.75 * sparse.parameters + 0.25 * dense.parameters)
  expect(result.flopsPerStep).toBe(0.75 * sparse.flopsPerStep + 0.25 * dense.flopsPerStep)
})

it('is the same twice from one seed, another from another', async () => {
  const losses = async (seed: number, method: MethodName) => {
    const seen: number[] = []
    await train(task, { ...options, method, seed, steps: 12 }, (_, loss) => seen.push(loss))
    return seen
  }
  expect(await losses(5, 'rigl')).toEqual(await losses(5, 'rigl'))
  expect(await losses(5, 'rigl')).not.toEqual(await losses(6, 'rigl'))
})

it('trains the convolutions and the transformer', async () => {
  const convnet = await train(task, { ...options, model: 'convnet', steps: 4 })
  expect(convnet.sparsity).toBeCloseTo(0.9, 2)
  const text = textTask('t', 'it is a truth universally acknowledged, '.repeat(40), 16)
  const losses: number[] = []
  const small = { ...options, model: 'char-transformer', method: 'rigl', steps: 12, batch: 4 } as const
  await train(text, small, (_, loss) => losses.push(loss))
  expect(losses.at(-1)).toBeLessThan(losses[0])
})

it('row 3: at an equal pattern, seed and number of operations, the sparse recipe reaches a lower training loss', async () => {
  const last: Record<string, number> = {}
  const flops = new Set<number>()
  for (const recipe of ['dense', 'sparse'] as const) {
    const losses: number[] = []
    const result = await train(task, { ...options, sparsity: 0.95, recipe }, (_, loss) => losses.push(loss))
    last[recipe] = losses.slice(-8).reduce((sum, loss) => sum + loss, 0) / 8
    flops.add(result.flopsPerStep)
  }
  expect(flops.size).toBe(1)
  expect(last.sparse).toBeLessThan(last.dense)
})

it('row 76: a search over random patterns has equal counts and gives the same again', async () => {
  const trials = () => trialsOf(task, { ...options, steps: 10 }, 3)
  const found = await trials()
  expect(new Set(found.map(({ parameters }) => parameters)).size).toBe(1)
  expect(new Set(found.map(({ loss }) => loss)).size).toBe(3)
  expect((await trials()).map(({ loss }) => loss)).toEqual(found.map(({ loss }) => loss))
  const { best, mean, deviation } = summarise(found)
  expect(best).toBeGreaterThanOrEqual(mean)
  expect(deviation).toBeGreaterThanOrEqual(0)
})

it('the matrix writes quality records', async () => {
  const out = join(folder, 'results')
  const models = ['mlp'] as const
  await matrix({
    ...options,
    models,
    methods: ['dense', 'static'],
    sparsity: [0.8, 0.95],
    steps: 3,
    dataset: 'fashion-mnist',
    data: folder,
    machine: 'test-machine',
    out,
  })
  const [file] = await readdir(join(out, 'test-machine'))
  expect(file).toMatch(/train-fashion-mnist\.quality\.json$/)
  const { records } = JSON.parse(await readFile(join(out, 'test-machine', file), 'utf8'))
  expect(records.map(({ method, sparsity }: { method: string; sparsity: number }) => [method, sparsity])).toEqual([
    ['dense', 0],
    ['static', 0.8],
    ['static', 0.95],
  ])
  for (const { kind, operation, metrics } of records) {
    expect([kind, operation]).toEqual(['quality', 'train'])
    expect(metrics.accuracy).toBeGreaterThanOrEqual(0)
  }
})
