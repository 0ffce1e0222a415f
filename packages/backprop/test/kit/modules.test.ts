import { attention, attentionBackward } from '@nnz/attention'
import { csr, type Tensor, tensor, transposed } from '@nnz/core'
import { describe, expect, it } from 'vitest'
import {
  ActivationModule,
  Conv2d,
  crossEntropy,
  Embedding,
  fullPattern,
  LayerNorm,
  Linear,
  LowRankLinear,
  type Module,
  meanSquaredError,
  Positions,
  positionsOf,
  Random,
  Residual,
  randomMask,
  relu,
  SelfAttention,
  Sequential,
  SparseConv2d,
  SparseLinear,
  silu,
  squareHead,
} from '../../src/kit/index.ts'
import { expectGradients, normal } from './gradients.ts'

const random = () => new Random(1)
const indices = (...values: number[]) => Uint32Array.from(values)

describe('gradients equal finite differences', () => {
  it('Linear', () => expectGradients(new Linear('l', { inputs: 7, outputs: 5, random: random() }), normal([6, 7], 1)))

  it.each([
    { what: 'rows', indices: indices(0, 3) },
    { what: 'columns', indices: indices(2, 3, 6) },
    { what: 'entries', indices: indices(0, 8, 34) },
    { what: 'nothing' },
  ] as const)('Linear, trained: $what', (trained) => {
    const linear = new Linear('l', { inputs: 7, outputs: 5, random: random() })
    linear.weight.train(trained)
    expectGradients(linear, normal([6, 7], 2))
  })

  const sparse = () =>
    new SparseLinear('s', { inputs: 11, outputs: 8, random: random(), pattern: randomMask([8, 11], 20, 3) })
  it('row 20: SparseLinear', () => expectGradients(sparse(), normal([6, 11], 3)))
  it('SparseLinear, some entries', () => {
    const linear = sparse()
    linear.weight.train({ what: 'entries', indices: indices(1, 5, 19) })
    expectGradients(linear, normal([6, 11], 4))
  })
  it('SparseLinear, input of other strides, no gradient of it', () => {
    const x = transposed(normal([11, 6], 5))
    expectGradients(sparse(), x, { input: false })
  })

  it.each([
    [3, 1, 1],
    [3, 2, 1],
    [1, 1, 0],
    [2, 2, 0],
  ])('Conv2d and row 20: SparseConv2d, kernel %i, stride %i, padding %i', (kernel, stride, padding) => {
    const options = { inputs: 3, outputs: 4, height: 5, width: 6, kernel, stride, padding, random: random() }
    const x = normal([2, 90], 12)
    expectGradients(new Conv2d('c', options), x)
    const pattern = randomMask([4, 3 * kernel ** 2], 3 * kernel, 1)
    expectGradients(new SparseConv2d('c', { ...options, pattern }), x)
    const some = new Conv2d('c', options)
    some.weight.train({ what: 'columns', indices: indices(0, 2) })
    expectGradients(some, x, { input: false })
  })

  it('LayerNorm', () => expectGradients(new LayerNorm('n', 9), normal([4, 9], 6)))
  it.each(['relu', 'gelu', 'gelu-tanh', 'silu'] as const)('%s', (name) =>
    expectGradients(new ActivationModule(name), normal([5, 6], 7)),
  )
  it('Embedding, Positions', () => {
    const ids = tensor([0, 3, 3, 1, 2, 0], [2, 3])
    expectGradients(new Embedding('e', { entries: 5, width: 4, random: random(), deviation: 1 }), ids, { input: false })
    expectGradients(new Positions('p', 3, 4, random()), normal([6, 4], 8))
  })
  it('Residual and Sequential', () =>
    expectGradients(
      new Sequential(
        new Residual(
          new Sequential(new LayerNorm('n', 6), new Linear('a', { inputs: 6, outputs: 6, random: random() })),
        ),
        new ActivationModule('silu'),
      ),
      normal([4, 6], 9),
    ))
  it.each([true, false])('SelfAttention, causal %s', (causal) => {
    const options = {
      width: 16,
      heads: 2,
      tokens: 5,
      random: random(),
      causal,
      functions: { attention, attentionBackward },
    }
    expectGradients(new SelfAttention('a', options), normal([10, 16], 10))
  })
  it.each([true, false])('SelfAttention of packed sequences, causal %s', (causal) => {
    const functions = { attention, attentionBackward }
    const module = new SelfAttention('a', { width: 16, heads: 2, tokens: 5, random: random(), causal, functions })
    const network = new Sequential(new Residual(module), new ActivationModule('gelu'))
    const lengths = [5, 1, 0, 3]
    const x = normal([9, 16], 10)
    const sequenceOffsets = [0, 5, 6, 6, 9]
    expectGradients(network, x, { sequenceOffsets })
    const together = module.forward(x, { sequenceOffsets }).data
    let begin = 0
    for (const length of lengths) {
      const own = tensor(x.data.subarray(begin * 16, (begin + length) * 16), [length, 16])
      const alone = module.forward(own, { sequenceOffsets: [0, length] }).data
      alone.forEach((value, i) => {
        expect(together[begin * 16 + i]).toBeCloseTo(value, 5)
      })
      begin += length
    }
  })
  it('SelfAttention with sparse projections', () => {
    const options = { width: 16, heads: 4, tokens: 5, random: random(), functions: { attention, attentionBackward } }
    const module = new SelfAttention('a', options)
    for (const { weight } of [module.project, module.combine]) weight.repattern(randomMask(weight.shape, 100, 2))
    expectGradients(module, normal([10, 16], 11))
  })
})

describe('row 159: a sparse embedding', () => {
  const pattern = randomMask([6, 5], 12, 4)
  const embedding = new Embedding('e', { entries: 6, width: 5, random: random(), pattern, deviation: 1 })
  const ids = tensor([5, 0, 2, 2], [2, 2])

  it('gathers what the masked dense one gathers', () => {
    const dense = csr.toDense(embedding.table.csr!)
    const y = embedding.forward(ids)
    ;[5, 0, 2, 2].forEach((id, i) => {
      expect([...y.data.subarray(i * 5, i * 5 + 5)]).toEqual([...dense.subarray(id * 5, id * 5 + 5)])
    })
  })
  it('has gradients at the kept entries, all or some', () => {
    expectGradients(embedding, ids, { input: false })
    embedding.table.train({ what: 'entries', indices: indices(0, 3, 11) })
    expectGradients(embedding, ids, { input: false })
    embedding.table.train({ what: 'nothing' })
    embedding.forward(ids)
    embedding.backward(normal([4, 5], 1))
    expect(embedding.table.gradient).toBeUndefined()
  })
})

describe('a full pattern and no pattern', () => {
  it('give one result', () => {
    const dense = new Linear('l', { inputs: 33, outputs: 20, random: random() })
    const sparse = new Linear('l', { inputs: 33, outputs: 20, random: random() })
    sparse.weight.repattern(fullPattern([20, 33]))
    const [x, dy] = [normal([17, 33], 1), normal([17, 20], 2)]
    const results = [dense, sparse].map((module) => {
      const y = module.forward(x)
      const dx = module.backward(dy)!
      return [y.data, dx.data, module.weight.gradient!, module.bias!.gradient!]
    })
    results[0].forEach((values, i) => {
      for (const [at, value] of values.entries()) expect(Math.abs(results[1][i][at] - value)).toBeLessThan(1e-4)
    })
  })

  it('row 4: the sparse gradient is the dense one at the kept entries, and everywhere where asked for', () => {
    const pattern = randomMask([20, 33], 66, 1)
    const dense = new Linear('l', { inputs: 33, outputs: 20, random: random() })
    const sparse = new SparseLinear('l', { inputs: 33, outputs: 20, random: random(), pattern })
    const [x, dy] = [normal([17, 33], 1), normal([17, 20], 2)]
    for (const module of [dense, sparse]) {
      module.forward(x)
      module.backward(dy, { everywhere: true })
    }
    const full = dense.weight.gradient!
    positionsOf(pattern).forEach((at, i) => {
      expect(Math.abs(sparse.weight.gradient![i] - full[at])).toBeLessThan(1e-4)
    })
    expect(sparse.weight.gradientEverywhere).toEqual(full)
    expect(dense.weight.gradientEverywhere).toBeUndefined()
    sparse.weight.repattern(pattern)
    expect(sparse.weight.gradientEverywhere).toBeUndefined()
  })
})

it('Conv2d is the plain sum over the kernel', () => {
  const options = { inputs: 2, outputs: 3, height: 5, width: 4, kernel: 3, stride: 2, padding: 1, random: random() }
  const conv = new Conv2d('c', options)
  const x = normal([2, 40], 1)
  const [rows, columns] = conv.extents
  expect([rows, columns]).toEqual([3, 2])
  const y = conv.forward(x)
  const pixel = (image: number, channel: number, i: number, j: number) =>
    i < 0 || j < 0 || i >= 5 || j >= 4 ? 0 : x.data[image * 40 + channel * 20 + i * 4 + j]
  for (const at of y.data.keys()) {
    const [column, row] = [at % columns, Math.floor(at / columns) % rows]
    const [output, image] = [Math.floor(at / (rows * columns)) % 3, Math.floor(at / (rows * columns * 3))]
    let sum = 0
    for (let k = 0; k < 18; k++) {
      const [channel, i, j] = [Math.floor(k / 9), Math.floor(k / 3) % 3, k % 3]
      sum += conv.weight.value.data[output * 18 + k] * pixel(image, channel, row * 2 + i - 1, column * 2 + j - 1)
    }
    expect(y.data[at]).toBeCloseTo(sum, 4)
  }
  expect(() => conv.forward(normal([2, 39], 1))).toThrow(/2 channels of 5x4/)
  expect(() => new Conv2d('c', { ...options, kernel: 9 })).toThrow(/fits/)
})

describe('row 142: low-rank training on a part of the channels', () => {
  const weight = normal([6, 8], 21)
  const create = () => {
    const module = new LowRankLinear('r', { weight, rank: 3, scale: 0.5, random: random() })
    module.b.value.data.set(normal([6, 3], 22).data)
    return module
  }
  const some = { outputs: indices(0, 2, 5), inputs: indices(1, 2, 4, 7) }
  const all = { outputs: indices(0, 1, 2, 3, 4, 5), inputs: indices(0, 1, 2, 3, 4, 5, 6, 7) }

  it('has the gradients of finite differences, whole and sliced', () => {
    expectGradients(create(), normal([5, 8], 23))
    const sliced = create()
    sliced.channels = some
    expectGradients(sliced, normal([5, 8], 23))
    sliced.a.train({ what: 'rows', indices: indices(1) })
    expectGradients(sliced, normal([5, 8], 23))
  })

  it('all channels are the whole exactly; some are the masked dense product, at a part of the work', () => {
    const masked = normal([6, 8], 21)
    for (const at of masked.data.keys())
      if (!some.outputs.includes(Math.floor(at / 8)) || !some.inputs.includes(at % 8)) masked.data[at] = 0
    const dense = new LowRankLinear('r', { weight: masked, rank: 3, scale: 0.5, random: random() })
    dense.b.value.data.set(normal([6, 3], 22).data)
    const [x, dy] = [normal([5, 8], 24), normal([5, 6], 25)]
    const pass = (module: LowRankLinear) => {
      const y = module.forward(x)
      const dx = module.backward(dy)!
      return [y.data, dx.data, module.a.gradient!, module.b.gradient!]
    }
    const [plain, whole, sliced] = [create(), create(), create()]
    whole.channels = all
    sliced.channels = some
    expect(pass(whole)).toEqual(pass(plain))
    const [got, expected] = [pass(sliced), pass(dense)]
    got.forEach((values, i) => {
      for (const [at, value] of values.entries()) expect(value).toBeCloseTo(expected[i][at], 5)
    })
    expect(sliced.work.forward).toBe(5 * (12 + 42))
    expect(plain.work.forward).toBe(5 * (48 + 42))
    sliced.channels = { outputs: indices(3, 3) }
    expect(() => sliced.forward(x)).toThrow(/rising channels below 6/)
  })
})

describe('losses', () => {
  it('cross-entropy and its gradient', () => {
    const logits = normal([5, 4], 1)
    const labels = [0, 3, 1, 1, 2]
    const { loss, gradient, correct } = crossEntropy(logits, labels)
    const plain = labels.map((label, row) => {
      const values = [...logits.data.subarray(row * 4, row * 4 + 4)]
      return Math.log(values.reduce((sum, v) => sum + Math.exp(v), 0)) - values[label]
    })
    expect(loss).toBeCloseTo(plain.reduce((a, b) => a + b, 0) / 5, 6)
    expect(correct).toBe(
      labels.filter(
        (label, row) => Math.max(...logits.data.subarray(row * 4, row * 4 + 4)) === logits.data[row * 4 + label],
      ).length,
    )
    for (const at of logits.data.keys()) {
      const shifted = (by: number) => {
        const values = logits.data.slice()
        values[at] += by
        return crossEntropy(tensor(values, [5, 4]), labels).loss
      }
      expect(gradient.data[at]).toBeCloseTo((shifted(1e-2) - shifted(-1e-2)) / 2e-2, 4)
    }
    expect(() => crossEntropy(logits, [0, 4, 1, 1, 2])).toThrow(/0\.\.3/)
    expect(() => crossEntropy(logits, [0])).toThrow(/5 labels/)
    // Large logits do not overflow.
    expect(crossEntropy(tensor([1e4, 0], [1, 2]), [0]).loss).toBe(0)
  })

  it.each([
    ['mean squared error', meanSquaredError, (squares: number, count: number) => squares / count],
    ['SquareHead', squareHead, (squares: number, _: number, size: number) => squares / size],
  ] as const)('%s and its gradient', (_, loss, plain) => {
    const [student, teacher] = [normal([3, 4], 1), transposed(normal([4, 3], 2))]
    const wanted = Array.from({ length: 12 }, (_, i) => teacher.data[Math.floor(i / 4) + (i % 4) * 3])
    const squares = student.data.reduce((sum, v, i) => sum + (v - wanted[i]) ** 2, 0)
    const size = wanted.reduce((sum, v) => sum + v * v, 0)
    expect(loss(student, teacher).loss).toBeCloseTo(plain(squares, 12, size), 4)
    const { gradient } = loss(student, teacher)
    for (const at of student.data.keys()) {
      const shifted = (by: number) => {
        const values = student.data.slice()
        values[at] += by
        return loss(tensor(values, [3, 4]), teacher).loss
      }
      expect(gradient.data[at]).toBeCloseTo((shifted(1e-2) - shifted(-1e-2)) / 2e-2, 3)
    }
    expect(() => loss(student, normal([4, 3], 1))).toThrow(/expected \[3, 4\]/)
  })
})

it('relu is the larger of a number and zero, bit by bit, NaN included', () => {
  const numbers = [
    1,
    -1,
    0,
    -0,
    1e-45,
    -1e-45,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
    -Number.NaN,
  ]
  const x = tensor([...numbers, ...normal([1, 90], 1).data], [10, 10])
  const negativeNaN = new Float32Array(Uint32Array.of(0xffc00001).buffer)[0]
  x.data[9] = negativeNaN
  expect([...relu().forward(x).data]).toEqual(Array.from(x.data, (value) => Math.max(0, value)))
})

it('wrong operands are told before anything is kept', () => {
  const linear = new Linear('l', { inputs: 3, outputs: 2, random: random() })
  expect(() => linear.forward(normal([2, 4], 1))).toThrow('l: x has 4 columns, expected 3')
  expect(() => linear.backward(normal([2, 2], 1))).toThrow(/forward pass/)
  linear.forward(normal([2, 3], 1))
  expect(() => linear.backward(normal([3, 2], 1))).toThrow('l: dy is [3, 2], expected [2, 2]')
  expect(() => new Embedding('e', { entries: 3, width: 2, random: random() }).forward(tensor([3], [1, 1]))).toThrow(
    /0\.\.2/,
  )
  expect(() => new Sequential(linear, linear)).toThrow(/named l\.weight/)
  expect(() => new ActivationModule('tanh' as never)).toThrow(/relu, gelu, gelu-tanh, silu/)
  const pattern = randomMask([2, 2], 1, 1)
  expect(() => new SparseLinear('s', { inputs: 3, outputs: 2, random: random(), pattern })).toThrow(/\[2, 3\]/)
})

describe('a backward pass that is refused', () => {
  const modules: readonly (readonly [string, () => Module, Tensor])[] = [
    ['Linear', () => new Linear('part', { inputs: 3, outputs: 2, random: random() }), normal([4, 3], 1)],
    ['LayerNorm', () => new LayerNorm('part', 3), normal([4, 3], 1)],
    ['Positions', () => new Positions('part', 2, 3, random()), normal([4, 3], 1)],
    [
      'Embedding',
      () => new Embedding('part', { entries: 3, width: 2, random: random() }),
      tensor([2, 0, 1, 1], [2, 2]),
    ],
    [
      'LowRankLinear',
      () => new LowRankLinear('part', { weight: normal([2, 3], 2), rank: 1, random: random() }),
      normal([4, 3], 1),
    ],
    [
      'Conv2d',
      () => new Conv2d('part', { inputs: 1, outputs: 2, height: 3, width: 3, kernel: 2, random: random() }),
      normal([4, 9], 1),
    ],
    ['silu', () => silu(), normal([4, 3], 1)],
  ]

  it.each(modules)('%s: names the layer and keeps what was saved', (_, make, x) => {
    const module = make()
    const [rows, columns] = module.forward(x).shape
    const saved = [...module.saved]
    const name = module.parameters.length > 0 ? 'part' : 'silu'
    for (const wrong of [
      [rows, columns + 1],
      [rows + 1, columns],
    ])
      expect(() => module.backward(normal(wrong, 3))).toThrow(
        `${name}: dy is [${wrong.join(', ')}], expected [${rows}, ${columns}]`,
      )
    expect(() => module.backward(undefined as never)).toThrow(`${name}: dy`)
    expect(module.saved).toEqual(saved)
    const dy = normal([rows, columns], 3)
    const dx = module.backward(dy)
    const byColumns = Float32Array.from(dy.data, (_, i) => dy.data[(i % rows) * columns + Math.floor(i / rows)])
    const other = make()
    other.forward(x)
    other.backward(tensor(byColumns, [rows, columns], { strides: [1, rows] }))
    module.parameters.forEach((parameter, i) => {
      parameter.gradient!.forEach((slope, j) => {
        expect(other.parameters[i].gradient![j]).toBeCloseTo(slope, 5)
      })
    })
    expect(dx?.shape).toEqual(module instanceof Embedding ? undefined : x.shape)
  })
})
