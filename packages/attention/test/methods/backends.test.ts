import { describe, expect, it } from 'vitest'
import { type BackendOption, js, type Tensor, wasm, zeros } from '../../src/index.ts'
import {
  deltaCorrection,
  nsa,
  nsaBackward,
  prunedAttention,
  prunedAttentionBackward,
  sparseKAttention,
  sparseKAttentionBackward,
  vsa,
  vsaBackward,
} from '../../src/methods/index.ts'
import { draw, expectNear } from './support.ts'

const shape = [4, 4, 6] as const
const [heads, keyHeads, tokens, headDim] = [4, 2, 96, 8]

const operands = {
  q: draw([heads, tokens, headDim], 1),
  k: draw([keyHeads, tokens, headDim], 2),
  v: draw([keyHeads, tokens, headDim], 3),
}
const dOutput = draw([heads, tokens, headDim], 4)

type Operands = typeof operands

/** Each method on a backend: outputs and gradients. */
const METHODS: Record<string, (x: Operands, backend: BackendOption | undefined) => Tensor[]> = {
  nsa: ({ q, k, v }, backend) => {
    const gates = draw([heads, tokens, 3], 5)
    const options = { selection: { blockShape: [4, 16], count: 3 }, window: 16, backend }
    const result = nsa(q, k, v, gates, options)
    const { dQ, dK, dV, dGates } = nsaBackward(dOutput, { q, k, v, gates, ...result, ...options })
    return [result.output, dQ, dK as Tensor, dV as Tensor, dGates]
  },
  vsa: ({ q, k, v }, backend) => {
    const gates = draw([heads, tokens, 2], 6)
    const options = { shape, tile: [2, 2, 2] as const, count: 3, backend }
    const result = vsa(q, k, v, gates, options)
    return [result.output, ...Object.values(vsaBackward(dOutput, { q, k, v, gates, ...result, ...options }))]
  },
  sparseK: ({ q, k, v }, backend) => {
    const scores = draw([keyHeads, tokens], 7)
    const options = { count: 8, chunk: 16, backend }
    const result = sparseKAttention(q, k, v, scores, options)
    const gradients = sparseKAttentionBackward(dOutput, { q, k, v, scores, ...result, ...options })
    return [result.output, ...Object.values(gradients)]
  },
  pruned: ({ q, k, v }, backend) => {
    const interactions = { queries: draw([tokens, 4], 8), keys: draw([tokens, 4], 9) }
    const options = { alpha: 1.5, beta: 1, backend }
    const result = prunedAttention(q, k, v, interactions, options)
    const { dQ, dK, dV, dQueries, dKeys } = prunedAttentionBackward(dOutput, {
      q,
      k,
      v,
      interactions,
      ...result,
      ...options,
    })
    return [result.output, dQ, dK, dV, dQueries, dKeys]
  },
  delta: ({ q, k, v }, backend) => [deltaCorrection(q, k, v, dOutput, { stride: 5, backend })],
}

describe.each(Object.entries(METHODS))('%s', (_, method) => {
  it('gives the same on every backend, and the same bits on any number of threads', async () => {
    const expected = method(operands, undefined)
    method(operands, js).forEach((result, i) => {
      expectNear(result.data, expected[i].data, 2e-5, `result ${i}`)
    })
    method(operands, await wasm.threads(2)).forEach((result, i) => {
      expect(result.data).toEqual(expected[i].data)
    })
  })

  it('takes operands in memory of WASM, with other strides', () => {
    const held = Object.fromEntries(
      Object.entries(operands).map(([name, x]) => {
        // Token-major, as a projection gives them.
        const [count, rows, width] = x.shape
        const place = zeros([rows, count, width], { backend: wasm })
        for (let i = 0; i < x.data.length; i++) {
          const [head, token] = [Math.floor(i / width / rows), Math.floor(i / width) % rows]
          place.data[(token * count + head) * width + (i % width)] = x.data[i]
        }
        const view: Tensor = {
          dtype: 'f32',
          shape: x.shape,
          strides: [width, count * width, 1],
          get data() {
            return place.data
          },
        }
        return [name, view]
      }),
    ) as Operands
    const expected = method(operands, undefined)
    method(held, undefined).forEach((result, i) => {
      expect(result.shape).toEqual(expected[i].shape)
      expectNear(result.data, expected[i].data, 1e-6, `result ${i}`)
    })
  })
})
