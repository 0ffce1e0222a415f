import { describe, expect, it } from 'vitest'
import {
  attention,
  attentionBackward,
  attentionProblem,
  blockMask,
  type ExecutionOptions,
  flops,
  js,
  reference,
  referenceBackward,
  type Tensor,
  tensor,
  wasm,
  zeros,
} from '../src/index.ts'
import { normal, operands, randomMask } from './problems.ts'

const size = { name: '', heads: 2, tokens: 70, keys: 90, headDim: 16 }

/** The same elements with other strides, among NaN. */
function spread(x: Tensor, strides: readonly [number, number]): Tensor {
  const [heads, tokens, headDim] = x.shape
  const data = new Float32Array(heads * strides[0] + tokens * strides[1]).fill(Number.NaN)
  for (let head = 0; head < heads; head++)
    for (let token = 0; token < tokens; token++)
      data.set(
        x.data.subarray((head * tokens + token) * headDim, (head * tokens + token + 1) * headDim),
        head * strides[0] + token * strides[1],
      )
  return tensor(data, x.shape, { strides: [...strides, 1] })
}

function inWasm(x: Tensor): Tensor {
  const copy = zeros(x.shape, { backend: wasm })
  copy.data.set(x.data)
  return copy
}

describe('operands', () => {
  const { q, k, v, dOutput } = operands(size)
  const expected = attention(q, k, v)

  it('may have any outer strides, such as those of a fused projection', () => {
    const tokenMajor = [16, 40] as const
    const strided = attention(spread(q, tokenMajor), spread(k, tokenMajor), spread(v, [2000, 20]))
    expect(strided.output.data).toEqual(expected.output.data)
    const out = spread(zeros(q.shape), tokenMajor)
    attention(q, k, v, { out })
    expect(spread(expected.output, tokenMajor).data).toEqual(out.data)
  })

  it('may lie in WASM memory, where nothing is copied', () => {
    const [a, b, c] = [q, k, v].map(inWasm)
    const out = zeros(q.shape, { backend: wasm })
    expect(attention(a, b, c, { out }).output).toBe(out)
    expect(out.data).toEqual(expected.output.data)
  })

  it('give the same bits on any number of threads', async () => {
    const mask = randomMask({ heads: 4, rows: 450, columns: 150, block: 16 }, 0.4, 0.3, 1)
    const many = operands({ ...size, batch: 2, heads: 4, keyHeads: 2, tokens: 450, keys: 150 })
    const run = (backend: ExecutionOptions) => {
      const forward = attention(many.q, many.k, many.v, { mask, ...backend })
      const saved = { ...many, ...forward, mask }
      return [forward.output, forward.logSumExp, ...Object.values(attentionBackward(many.dOutput, saved, backend))]
    }
    const one = run({ backend: await wasm.threads(1) })
    for (const threads of [2, 3]) {
      const several = run({ backend: await wasm.threads(threads) })
      several.forEach((result, i) => {
        expect(result.data).toEqual(one[i].data)
      })
    }
  })

  it('that keep everything give the same as full attention', () => {
    for (const block of [16, 48, 64]) {
      const mask = blockMask.fromPredicate(() => true, { blockShape: [block, block], rows: 70, columns: 90 })
      const kept = attention(q, k, v, { mask })
      expect(Math.max(...kept.output.data.map((x, i) => Math.abs(x - expected.output.data[i])))).toBeLessThan(1e-6)
    }
    const partial = blockMask.fromPredicate((_, i, j) => j <= i, { blockShape: [64, 64], rows: 70, columns: 70 })
    const [k70, v70] = [operands({ ...size, keys: 70 }).k, operands({ ...size, keys: 70 }).v]
    const masked = attention(q, k70, v70, { mask: partial })
    const causal = attention(q, k70, v70, { causal: true })
    expect(Math.max(...masked.output.data.map((x, i) => Math.abs(x - causal.output.data[i])))).toBeLessThan(1e-6)
  })

  it('have gradients that finite differences confirm', () => {
    const small = operands({ name: '', heads: 2, keyHeads: 1, tokens: 5, keys: 7, headDim: 4 })
    const mask = randomMask({ heads: 2, rows: 5, columns: 7, block: 2 }, 0.7, 0.3, 5)
    const loss = (x: Pick<typeof small, 'q' | 'k' | 'v'>) =>
      reference(x.q, x.k, x.v, { mask }).output.reduce((sum, y, i) => sum + y * small.dOutput.data[i], 0)
    for (const backend of [js, wasm.open()]) {
      const forward = attention(small.q, small.k, small.v, { mask, backend })
      const gradients = attentionBackward(small.dOutput, { ...small, ...forward, mask }, { backend })
      for (const [operand, gradient] of [
        ['q', 'dQ'],
        ['k', 'dK'],
        ['v', 'dV'],
      ] as const) {
        for (let i = 0; i < small[operand].data.length; i++) {
          const moved = (step: number) => {
            const data = Float32Array.from(small[operand].data)
            data[i] += step
            return { value: loss({ ...small, [operand]: tensor(data, small[operand].shape) }), at: data[i] }
          }
          const [up, down] = [moved(2 ** -8), moved(-(2 ** -8))]
          expect(gradients[gradient].data[i]).toBeCloseTo((up.value - down.value) / (up.at - down.at), 4)
        }
      }
    }
    expect(dOutput.shape).toEqual(q.shape)
  })
})

describe.each([
  ['js', js],
  ['wasm', wasm.open()],
] as const)('unusual numbers on %s', (_, backend) => {
  it('queries without keys give zeros, forward and backward', () => {
    const { q, k, v, dOutput } = operands({ ...size, tokens: 20, keys: 6 })
    const forward = attention(q, k, v, { causal: true, backend })
    expect(forward.output.data.subarray(0, 14 * 16).every((x) => x === 0)).toBe(true)
    expect(forward.logSumExp.data.subarray(0, 14).every((x) => x === Number.NEGATIVE_INFINITY)).toBe(true)
    const gradients = attentionBackward(dOutput, { q, k, v, ...forward, causal: true }, { backend })
    expect(gradients.dQ.data.subarray(0, 14 * 16).every((x) => x === 0)).toBe(true)
    for (const { data } of Object.values(gradients)) expect(data.every(Number.isFinite)).toBe(true)
  })

  it('scores of any size do not overflow', () => {
    const { q, k, v } = operands({ ...size, size: 1e15 })
    const { output } = attention(q, k, v, { backend })
    expect(output.data.every(Number.isFinite)).toBe(true)
    expect(attention(q, k, v, { backend, scale: 1e6 }).output.data.every(Number.isFinite)).toBe(true)
  })

  it('keys at minus infinity have no weight', () => {
    const q = tensor([1, 1, 1, 1], [1, 1, 4])
    const k = tensor([Number.NEGATIVE_INFINITY, 0, 0, 0, 1, 0, 0, 0], [1, 2, 4])
    const v = tensor([5, 6, 7, 8, 1, 2, 3, 4], [1, 2, 4])
    expect([...attention(q, k, v, { backend }).output.data]).toEqual([1, 2, 3, 4])
    const none = attention(q, tensor(new Float32Array(8).fill(Number.NEGATIVE_INFINITY), [1, 2, 4]), v, { backend })
    expect([...none.output.data]).toEqual([0, 0, 0, 0])
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('excluded pairs have no part in anything, %s or not', (bad) => {
    const tokens = 100
    const make = () => operands({ ...size, tokens, keys: tokens })
    // Query and key 60 see, and are seen by, each other only.
    const mask = blockMask.fromPredicate((_, i, j) => (i === 60) === (j === 60) && j <= i, {
      blockShape: [64, 64],
      rows: tokens,
      columns: tokens,
    })
    const run = (x: ReturnType<typeof make>, options: object) => {
      const forward = attention(x.q, x.k, x.v, { ...options, backend })
      return { ...forward, ...attentionBackward(x.dOutput, { ...x, ...forward, ...options }, { backend }) }
    }
    const rows = ({ data }: Tensor, keep: (token: number) => boolean) =>
      [...data].filter((_, i) => keep(Math.floor(i / (data.length / (2 * tokens))) % tokens))
    for (const operand of ['q', 'k', 'v', 'dOutput'] as const) {
      const spoiled = make()
      for (const head of [0, 1]) spoiled[operand].data.fill(bad, (head * tokens + 60) * 16, (head * tokens + 61) * 16)
      const [clean, result] = [run(make(), { mask }), run(spoiled, { mask })]
      for (const name of ['output', 'logSumExp', 'dQ', 'dK', 'dV'] as const)
        expect(rows(result[name], (token) => token !== 60)).toEqual(rows(clean[name], (token) => token !== 60))
      // Causal queries do not see what comes later, not even inside a block.
      if (operand === 'k' || operand === 'v')
        expect(rows(run(spoiled, { causal: true }).output, (token) => token < 60)).toEqual(
          rows(run(make(), { causal: true }).output, (token) => token < 60),
        )
    }
  })

  it('NaN stays in its own query', () => {
    const { q, k, v } = operands(size)
    const spoiled = Float32Array.from(q.data)
    spoiled[5 * 16] = Number.NaN
    const { output } = attention(tensor(spoiled, q.shape), k, v, { backend })
    const expected = attention(q, k, v, { backend }).output
    output.data.forEach((x, i) => {
      if (Math.floor(i / 16) === 5) expect(x).toBeNaN()
      else expect(x).toBe(expected.data[i])
    })
  })
})

describe('plans', () => {
  const { q, k, v, dOutput } = operands(size)
  const { heads, tokens, keys, headDim } = size

  it('run many times, with lengths of their own', () => {
    const plan = attention.plan({ heads, tokens, keys, headDim })
    for (const length of [90, 7, 0]) {
      const { output } = plan.run(q, k, v, { keyLengths: [length] })
      expect(output.data).toEqual(attention(q, k, v, { keyLengths: [length] }).output.data)
    }
    const explanation = plan.explain()
    expect(explanation.flops).toBe(4 * heads * tokens * keys * headDim)
    expect(String(explanation)).toContain(explanation.kernel)
    plan.dispose()
    expect(() => plan.run(q, k, v)).toThrow('the plan was used after dispose()')
  })

  it.each([
    ['js', js],
    ['wasm', wasm.open()],
  ] as const)('without a mask have room for fewer tokens and keys, on %s', (_, backend) => {
    const options = { heads: 6, keyHeads: 2, headDim: 16, causal: true, backend }
    const [forward, backward] = [attention, attentionBackward].map((operation) =>
      operation.plan({ ...options, tokens: 300, keys: 310 }),
    ) as [ReturnType<typeof attention.plan>, ReturnType<typeof attentionBackward.plan>]
    for (const [tokens, keys] of [
      [300, 310],
      [1, 70],
      [130, 130],
      [300, 310],
      [0, 5],
    ]) {
      const x = operands({ name: '', ...options, tokens, keys })
      const one = attention(x.q, x.k, x.v, { causal: true, backend })
      const result = forward.run(x.q, x.k, x.v)
      expect(result.output.data).toEqual(one.output.data)
      const gradients = backward.run(x.dOutput, { ...x, ...result })
      const expected = referenceBackward(x.dOutput, x.q, x.k, x.v, { causal: true })
      for (const name of ['dQ', 'dK', 'dV'] as const)
        gradients[name].data.forEach((y, i) => {
          expect(Math.abs(y - expected[name][i])).toBeLessThan(1e-4)
        })
    }
    const long = operands({ name: '', ...options, tokens: 301, keys: 310 })
    expect(() => forward.run(long.q, long.k, long.v)).toThrow('q is [1, 6, 301, 16], expected [1, 6, 300, 16]')
    forward.dispose()
    backward.dispose()
  })

  it('count pairs', () => {
    const shape = { batch: 1, heads: 2, keyHeads: 1, tokens: 5, keys: 8, headDim: 4 }
    const pairs = (options: Parameters<typeof attentionProblem>[2], changed = {}) =>
      attentionProblem('attention', { ...shape, ...changed }, options).pairs
    expect(pairs({ causal: true })).toBe(2 * (4 + 5 + 6 + 7 + 8))
    expect(pairs({ causal: true }, { keys: 3 })).toBe(2 * (1 + 2 + 3))
    const mask = blockMask.fromPredicate((_h, i, j) => i === j, { blockShape: [2, 2], rows: 5, columns: 8 })
    expect(pairs({ mask })).toBe(10)
    expect(flops(attentionProblem('attentionBackward', shape))).toBe(10 * 2 * 40 * 4)
  })

  const run = (change: Record<string, unknown>) => () => attention(q, k, v, change)

  it.each([
    [
      'mask of another size',
      run({ mask: randomMask({ heads: 1, rows: 70, columns: 89, block: 16 }, 1, 0, 1) }),
      RangeError,
      'mask is 70x89, expected 70x90',
    ],
    [
      'mask with other heads',
      run({ mask: randomMask({ heads: 3, rows: 70, columns: 90, block: 16 }, 1, 0, 1) }),
      RangeError,
      'mask has 3 heads, expected 1, 2 or 2',
    ],
    ['no mask', run({ mask: [1] }), TypeError, 'expected a blockMask, got Array(1)'],
    ['scale', run({ scale: Number.NaN }), RangeError, 'expected a finite scale, got NaN'],
    ['causal', run({ causal: 1 }), TypeError, 'expected causal to be true or false, got 1'],
    ['key lengths', run({ keyLengths: [91] }), RangeError, 'keyLengths[0]: expected a whole number in 0..90, got 91'],
    ['too many key lengths', run({ keyLengths: [1, 2] }), RangeError, 'keyLengths: expected 1 entries'],
    ['offsets', run({ sequenceOffsets: [0, 70] }), RangeError, 'expected as many keys as queries, got 90 and 70'],
    ['out', run({ out: zeros([2, 70, 12]) }), RangeError, 'attention: out is [1, 2, 70, 12], expected [1, 2, 70, 16]'],
    ['out that overlaps', run({ out: q }), RangeError, 'attention: out overlaps q'],
    ['kernel', run({ kernel: 'none' }), RangeError, 'no kernel named none can run this'],
    ['k', () => attention(q, tensor(normal(20, 1), [1, 5, 4]), v), RangeError, 'attention: k is [1, 1, 5, 4]'],
    [
      'heads',
      () => attention(q, tensor(normal(240, 1), [3, 5, 16]), v),
      RangeError,
      'expected keyHeads to divide heads, got 3 and 2',
    ],
    [
      'headDim',
      () => attention(tensor([1, 2], [1, 1, 2]), k, v),
      RangeError,
      'headDim to be a multiple of 4 in 4..256, got 2',
    ],
    ['q', () => attention(5 as never, k, v), TypeError, 'attention: q: expected a tensor, got 5'],
    ['axes', () => attention(tensor([1, 2], [1, 2]), k, v), RangeError, 'q: expected [heads, tokens, headDim]'],
    [
      'strides',
      () => attention(tensor(normal(64, 1), [2, 2, 4], { strides: [16, 4, 2] }), k, v),
      RangeError,
      'expected stride 1 along headDim, got 2',
    ],
    [
      'logSumExp',
      () => attentionBackward(dOutput, { q, k, v, output: q, logSumExp: zeros([3]) }),
      RangeError,
      'logSumExp is [3] with strides [1], expected [2, 70] without gaps',
    ],
    [
      'logSumExp of another shape',
      () => attentionBackward(dOutput, { q, k, v, output: q, logSumExp: zeros([70, 2]) }),
      RangeError,
      'logSumExp is [70, 2] with strides [2, 1], expected [2, 70] without gaps',
    ],
    [
      'logSumExp with other strides',
      () =>
        attentionBackward(dOutput, {
          ...{ q, k, v, output: q },
          logSumExp: tensor(new Float32Array(140), [2, 70], { strides: [1, 2] }),
        }),
      RangeError,
      'logSumExp is [2, 70] with strides [1, 2], expected [2, 70] without gaps',
    ],
    [
      'out of gradients',
      () => attentionBackward(dOutput, { q, k, v, output: q, logSumExp: zeros([2, 70]) }, { out: null as never }),
      TypeError,
      'attentionBackward: out: expected options to be an object, got null',
    ],
    [
      'saved tensors',
      () => attentionBackward.plan({ heads: 2, tokens: 70, keys: 90, headDim: 16 }).run(dOutput, null as never),
      TypeError,
      'attentionBackward: saved: expected options to be an object, got null',
    ],
    [
      'dOutput',
      () => attentionBackward(k, { q, k, v, output: q, logSumExp: zeros([2, 70]) }),
      RangeError,
      'dOutput is [1, 2, 90, 16]',
    ],
    [
      'gradients that overlap',
      () => attentionBackward(dOutput, { q, k, v, output: q, logSumExp: zeros([2, 70]) }, { out: { dQ: q } }),
      RangeError,
      'dQ overlaps another operand',
    ],
  ])('refuse a wrong %s', (_, act, kind, message) => {
    expect(act).toThrow(kind)
    expect(act).toThrow(message)
  })
})
