import {
  type AttentionKernel,
  type AttentionProblem,
  attention,
  attentionBackward,
  attentionKernels,
  attentionProblem,
  type BackwardKernel,
  backwardKernels,
  type DecodeKernel,
  type DecodeProblem,
  decodeAttention,
  decodeKernels,
  flops,
  keyValueCache,
} from '@nnz/attention'
import { type Backend, type Tensor, tensor } from '@nnz/core'
import { drawPattern } from '../attention/patterns.ts'
import { place, release } from '../runner/kernels.ts'
import type { TuneCase, TuneFamily, TunePlan } from './family.ts'

const MODULE = 'packages/attention/src/cost-model.ts'
const TOKENS = [16, 100, 256, 512, 1024]
const HEAD_DIMS = [32, 64, 128]
const SPARSITIES = [0, 0.5, 0.9]

interface AttentionCase {
  readonly pattern: ReturnType<typeof drawPattern>
  readonly shape: Parameters<typeof attentionProblem>[1]
}

/** Each number of tokens meets some of the widths and sparsities in turn; half of them are causal. */
function* attentionCases(): Generator<AttentionCase> {
  for (const [i, tokens] of TOKENS.entries()) {
    for (const [j, sparsity] of SPARSITIES.entries()) {
      const headDim = HEAD_DIMS[(i + j) % HEAD_DIMS.length]
      const causal = (i + j) % 2 === 1
      const kind = sparsity === 0 ? (causal ? 'causal' : 'full') : causal ? 'random-causal' : 'random'
      const pattern = drawPattern(kind, { tokens, keys: tokens, sparsity, seed: 1 })
      yield { pattern, shape: { batch: 1, heads: 2, keyHeads: 1 + (j % 2), tokens, keys: tokens, headDim } }
    }
  }
}

function operandsOf({ heads, keyHeads, tokens, keys, headDim }: AttentionCase['shape'], backend: Backend) {
  const make = (...shape: number[]) => {
    const made = place(shape, backend, 'resident')
    made.data.fill(0.5)
    return made
  }
  return { q: make(heads, tokens, headDim), k: make(keyHeads, keys, headDim), v: make(keyHeads, keys, headDim) }
}

/** The problems of a kernel, with its plan. */
function* casesOf<K extends AttentionKernel | BackwardKernel>(
  operation: AttentionProblem['operation'],
  kernel: K,
  plan: (given: AttentionCase, backend: Backend) => TunePlan,
): Generator<TuneCase<AttentionProblem>> {
  for (const given of attentionCases()) {
    const problem = attentionProblem(operation, given.shape, given.pattern)
    if (kernel.supports(problem) !== true) continue
    yield { problem, packed: given.pattern, flops: flops(problem), plan: (backend) => plan(given, backend) }
  }
}

export const attentionFamily: TuneFamily<AttentionKernel, AttentionProblem> = {
  module: MODULE,
  kernels: attentionKernels,
  cases: (kernel) =>
    casesOf('attention', kernel, ({ shape, pattern }, backend) => {
      const plan = attention.plan({ ...shape, ...pattern, backend, kernel: kernel.name })
      return whilePlanned(plan, () => {
        const { q, k, v } = operandsOf(shape, backend)
        const out = place(q.shape, backend, 'resident')
        return { tensors: [q, k, v, out], run: () => plan.run(q, k, v, { out }) }
      })
    }),
}

export const attentionBackwardFamily: TuneFamily<BackwardKernel, AttentionProblem> = {
  module: MODULE,
  kernels: backwardKernels,
  cases: (kernel) =>
    casesOf('attentionBackward', kernel, ({ shape, pattern }, backend) => {
      const plan = attentionBackward.plan({ ...shape, ...pattern, backend, kernel: kernel.name })
      return whilePlanned(plan, () => {
        const { q, k, v } = operandsOf(shape, backend)
        const saved = { q, k, v, ...attention(q, k, v, { ...pattern, backend }) }
        const [dQ, dK, dV] = [q, k, v].map((operand) => place(operand.shape, backend, 'resident'))
        return { tensors: [q, k, v, dQ, dK, dV], run: () => plan.run(q, saved, { out: { dQ, dK, dV } }) }
      })
    }),
}

const CONTEXTS = [64, 512, 2048, 8192]
const GROUPS = [1, 4]

export const decodeFamily: TuneFamily<DecodeKernel, DecodeProblem> = {
  module: MODULE,
  kernels: decodeKernels,
  *cases(kernel) {
    for (const keys of CONTEXTS) {
      for (const [i, headDim] of HEAD_DIMS.entries()) {
        const keyHeads = 2
        const heads = keyHeads * GROUPS[i % GROUPS.length]
        const pageSize = 64
        const pages = keys / pageSize
        const problem: DecodeProblem = {
          operation: 'decodeAttention',
          n: 1,
          heads,
          keyHeads,
          tokens: 1,
          headDim,
          pageSize,
          pages,
        }
        if (kernel.supports(problem) !== true) continue
        yield {
          problem,
          packed: problem,
          flops: 4 * heads * keys * headDim,
          plan(backend) {
            const cache = keyValueCache({ keyHeads, headDim, pageSize, pages, backend })
            const plan = decodeAttention.plan({ cache, heads, backend, kernel: kernel.name })
            const both = {
              dispose() {
                plan.dispose()
                cache.dispose()
              },
            }
            return whilePlanned(both, () => {
              const rows = tensor(new Float32Array(keyHeads * keys * headDim).fill(0.5), [keyHeads, keys, headDim])
              cache.append(rows, rows)
              const q = place([heads, 1, headDim], backend, 'resident')
              const out = place([heads, 1, headDim], backend, 'resident')
              return { tensors: [q, out], run: () => plan.run(q, { out }) }
            })
          },
        }
      }
    }
  },
}

function whilePlanned(
  plan: { dispose(): void },
  prepare: () => { tensors: readonly Tensor[]; run: () => unknown },
): TunePlan {
  let operands: readonly Tensor[] = []
  return {
    ready() {
      const { tensors, run } = prepare()
      operands = tensors
      return run
    },
    dispose() {
      plan.dispose()
      release(...operands)
    },
  }
}
