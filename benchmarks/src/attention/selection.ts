import { attention, type BlockMask, type Selection, selection } from '@nnz/attention'
import { type Backend, isWasm, js, tensor } from '@nnz/core'
import type { ContenderSpec, Prepared } from '../runner/contender.ts'
import { kernelContender, place, release } from '../runner/kernels.ts'
import type { Inputs } from '../runner/task.ts'
import { withEveryBlock } from './contenders.ts'
import { forwardExpectation } from './expectation.ts'
import { isSelector, type SelectorName } from './patterns.ts'
import { type AttentionTask, attentionTask, keptBy } from './task.ts'
import type { AttentionWorkload } from './workload.ts'

/** Ways of choosing blocks from q and k, each as a function of the density that is wanted. */
const SELECTORS = {
  pooled: (q, k, density, options) => selection.pooled(q, k, { ...options, density }),
  stripes: (q, k, density, options) => selection.stripes(q, k, { ...options, density }),
  'vertical-slash': (q, k, density, options) =>
    selection.verticalSlash(q, k, { ...options, vertical: { density: density / 2 }, slash: { density: density / 2 } }),
} satisfies Record<SelectorName, Select>

type Select = (
  q: Parameters<typeof selection.pooled>[0],
  k: Parameters<typeof selection.pooled>[1],
  density: number,
  options: { causal: boolean; backend: Backend },
) => Selection

/** An attention whose blocks are chosen from its own q and k. */
export interface SelectionTask extends AttentionTask {
  /** Chooses the blocks of q and k. */
  select(q: Parameters<Select>[0], k: Parameters<Select>[1], backend: Backend): BlockMask
}

/** Makes the task of a workload whose pattern is the name of a selector. */
export async function makeSelectionTask(workload: AttentionWorkload, sparsity: number): Promise<SelectionTask> {
  const { heads, keyHeads, tokens, keys, headDim, causal, pattern } = workload
  if (!isSelector(pattern)) throw new RangeError(`${workload.id}: expected a selector, got ${pattern}`)
  const choose: Select = SELECTORS[pattern]
  const select: SelectionTask['select'] = (q, k, backend) => choose(q, k, 1 - sparsity, { causal, backend }).mask
  const chosen = ([q, k]: Inputs) =>
    select(tensor(q, [heads, tokens, headDim]), tensor(k, [keyHeads, keys, headDim]), js)
  const drawn = attentionTask(workload, undefined, causal)
  const mask = chosen(drawn.inputs(1))
  return {
    ...attentionTask(workload, mask, false),
    select,
    expectationOf: (inputs) =>
      forwardExpectation({ heads, keyHeads, tokens, keys, headDim, keeps: keptBy(chosen(inputs), false, 0) }, inputs),
  }
}

/** Choosing and computing in one run, computing alone, and computing every block. */
export function selectionContenders(backends: readonly Backend[]): ContenderSpec<SelectionTask>[] {
  return backends.filter(isWasm).flatMap((backend): ContenderSpec<SelectionTask>[] => [
    {
      contender: kernelContender(`auto__${backend.name}`, backend, 'sparse', { selection: 'inside' }),
      supports: () => true,
      prepare: async (task) => prepare(task, backend, 'inside'),
    },
    {
      contender: kernelContender(`auto__${backend.name}`, backend, 'sparse', { selection: 'outside' }),
      supports: () => true,
      prepare: async (task) => prepare(task, backend, 'outside'),
    },
    {
      contender: kernelContender(`auto__${backend.name}`, backend, 'dense', { path: 'every block' }),
      supports: () => true,
      prepare: async (task) => prepare(task, backend, 'every block'),
    },
  ])
}

function prepare(task: SelectionTask, backend: Backend, way: 'inside' | 'outside' | 'every block'): Prepared {
  const { heads, keyHeads, tokens, keys, headDim } = task
  const q = place([heads, tokens, headDim], backend, 'resident')
  const k = place([keyHeads, keys, headDim], backend, 'resident')
  const v = place([keyHeads, keys, headDim], backend, 'resident')
  const out = place([heads, tokens, headDim], backend, 'resident')
  let mask: BlockMask
  return {
    planning: null,
    packedBytes: null,
    setInput(inputs) {
      ;[q, k, v].forEach(({ data }, i) => {
        data.set(inputs[i])
      })
      if (way === 'inside') return
      mask = task.select(q, k, backend)
      if (way === 'every block') mask = withEveryBlock(mask)
    },
    poison() {
      out.data.fill(Number.NaN)
    },
    run() {
      if (way === 'inside') mask = task.select(q, k, backend)
      attention(q, k, v, { mask, out, backend })
    },
    output: () => out.data,
    dispose() {
      release(q, k, v, out)
    },
  }
}
