import { attention, attentionBackward, blockMask } from '@nnz/attention'
import { js, tensor, wasm } from '@nnz/core'
import { describe, expect, it } from 'vitest'
import { attentionContenders, backwardContenders } from '../src/attention/contenders.ts'
import { decodeContenders } from '../src/attention/decode-contenders.ts'
import { type AttentionPattern, drawPattern } from '../src/attention/patterns.ts'
import { makeSelectionTask, selectionContenders } from '../src/attention/selection.ts'
import { type AttentionTask, makeAttentionTask } from '../src/attention/task.ts'
import { type AttentionWorkload, createAttentionWorkload } from '../src/attention/workload.ts'
import { attentionWorkloads } from '../src/attention/workloads.ts'
import { attentionBaselines } from '../src/baselines/attention.ts'
import { errorOf } from '../src/runner/task.ts'
import { recordOf } from './baselines-problem.ts'

const OPERATIONS = ['attention', 'attention-backward', 'decode'] as const
const SELECTED = [...OPERATIONS, 'attention-selection'] as const

function small(
  operation: AttentionWorkload['operation'],
  pattern: AttentionPattern,
  keyHeads = 4,
): Promise<AttentionTask> {
  const decode = operation === 'decode'
  const workload = createAttentionWorkload({
    model: 'test',
    source: 'a test',
    operation,
    phase: 'prefill',
    heads: 4,
    keyHeads,
    headDim: 16,
    causal: false,
    tokens: decode ? 1 : 200,
    keys: decode ? 500 : 200,
    pattern,
    sparsities: [0.6],
  })
  return makeAttentionTask(workload, 0.6)
}

const PATTERNS = [
  'random',
  'random-causal',
  'window',
  'strided',
  'fixed',
  'power-of-two',
  'block-diagonal',
  'global',
  'clusters',
  'butterfly',
] as const

describe('patterns', () => {
  it.each(['random', 'random-causal', 'window', 'block-diagonal', 'global', 'clusters'] as const)(
    '%s keeps about the share that was asked for, and the same blocks again',
    (pattern) => {
      for (const sparsity of [0.75, 0.9]) {
        const options = { tokens: 2048, keys: 2048, sparsity, seed: 1 }
        const { mask } = drawPattern(pattern, options)
        expect(Math.abs(1 - blockMask.density(mask!) - sparsity)).toBeLessThan(0.04)
        expect(drawPattern(pattern, options).mask).toEqual(mask)
      }
    },
  )

  it('counts the pairs that it keeps', async () => {
    for (const pattern of ['full', 'causal', ...PATTERNS] as const) {
      const task = await small('attention', pattern)
      let pairs = 0
      for (let query = 0; query < 200; query++)
        for (let key = 0; key < 200; key++) pairs += Number(task.keeps(query, key, 0))
      expect(task.problem.sparsity).toBeCloseTo(1 - pairs / 200 ** 2, 12)
      expect(task.flops).toBe(4 * 4 * pairs * 16)
    }
  })
})

describe('what must come out', () => {
  it.each([4, 2])('is what attention and its gradients give, with %i key heads', async (keyHeads) => {
    const task = await small('attention-backward', 'random-causal', keyHeads)
    const [q, k, v, dOutput] = task.inputs(3)
    const tensors = {
      q: tensor(q, [4, 200, 16]),
      k: tensor(k, [keyHeads, 200, 16]),
      v: tensor(v, [keyHeads, 200, 16]),
    }
    const pattern = { mask: task.mask, causal: task.causal }
    const forward = attention(tensors.q, tensors.k, tensors.v, { ...pattern, backend: js })
    const same = await small('attention', 'random-causal', keyHeads)
    expect(errorOf(same.expectationOf([q, k, v]), forward.output.data)).toMatchObject({ right: true })
    const saved = { ...tensors, ...forward, ...pattern }
    const { dQ, dK, dV } = attentionBackward(tensor(dOutput, [4, 200, 16]), saved, { backend: js })
    const all = [...dQ.data, ...dK.data, ...dV.data]
    expect(errorOf(task.expectationOf([q, k, v, dOutput]), all)).toMatchObject({ right: true })
    all[all.length - 1] += 1e-3
    expect(errorOf(task.expectationOf([q, k, v, dOutput]), all)).toMatchObject({ right: false })
  })
})

describe('contenders', () => {
  it('of ours are right in each operation, with shared key heads too', async () => {
    const backends = [wasm.open(), js]
    const specs = {
      attention: attentionContenders(backends),
      'attention-backward': backwardContenders(backends),
      decode: decodeContenders(backends),
    }
    for (const operation of OPERATIONS) {
      for (const spec of specs[operation]) {
        for (const task of [await small(operation, 'random'), await small(operation, 'full', 2)]) {
          if (spec.supports(task) === true)
            expect(await recordOf(spec, task), spec.contender.name).toMatchObject({ reason: null, status: 'passed' })
        }
      }
    }
  })

  it('of others are right, or say what is missing', async () => {
    for (const baseline of attentionBaselines) {
      const specs = await baseline.open([1]).catch((error: Error) => {
        expect(error.message).toMatch(/missing|cannot be loaded|cannot be started|has no scaled_dot_product_attention/)
        return []
      })
      for (const spec of specs) {
        for (const [pattern, keyHeads] of [
          ['full', 4],
          ['causal', 4],
          ['random', 4],
          ['random-causal', 2],
        ] as const) {
          const task = await small('attention', pattern, keyHeads)
          if (spec.supports(task) !== true) continue
          const { name, settings } = spec.contender
          expect(await recordOf(spec, task), `${name} ${settings.form} ${pattern}`).toMatchObject({
            reason: null,
            status: 'passed',
          })
        }
      }
    }
  })
})

describe('selected blocks', () => {
  it.each(['pooled', 'stripes', 'vertical-slash'] as const)(
    'by %s are computed right, chosen in the run and before',
    async (pattern) => {
      const workload = createAttentionWorkload({
        model: 'test',
        source: 'a test',
        operation: 'attention-selection',
        phase: 'prefill',
        heads: 4,
        keyHeads: 2,
        headDim: 16,
        causal: true,
        tokens: 300,
        keys: 300,
        pattern,
        sparsities: [0.7],
      })
      const task = await makeSelectionTask(workload, 0.7)
      expect(task.mask!.heads).toBe(4)
      expect(task.problem.sparsity).toBeGreaterThan(0.4)
      for (const spec of selectionContenders([wasm.open(), js]))
        expect(await recordOf(spec, task), JSON.stringify(spec.contender.settings)).toMatchObject({
          reason: null,
          status: 'passed',
        })
    },
  )
})

describe('the workloads', () => {
  it('have ids of their own, and those of the quick suite are among all', () => {
    const all = SELECTED.flatMap((operation) => attentionWorkloads(operation, 'full'))
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
    const quick = SELECTED.flatMap((operation) => attentionWorkloads(operation, 'quick'))
    for (const { id } of quick) expect(all.map((workload) => workload.id)).toContain(id)
  })
})
