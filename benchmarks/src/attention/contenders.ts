import {
  attention,
  attentionBackward,
  attentionKernels,
  type BlockMask,
  backwardKernels,
  blockMask,
  FULL,
} from '@nnz/attention'
import { type Backend, isWasm, runsOn } from '@nnz/core'
import type { ContenderSpec, Prepared } from '../runner/contender.ts'
import { type Home, kernelContender, place } from '../runner/kernels.ts'
import { prepared, timed } from '../runner/tensor-run.ts'
import type { AttentionTask } from './task.ts'

/** How a contender of ours runs. */
interface Way {
  readonly backend: Backend
  readonly home: Home
  /** Undefined: dispatch chooses. */
  readonly kernel: string | undefined
  /** Visits every block, as a kernel that knows no sparsity does, and applies the mask element by element. */
  readonly everyBlock: boolean
}

/** Every row of `attention`, the same kernel on all blocks, and automatic dispatch with tensors on the JS heap. */
export function attentionContenders(backends: readonly Backend[]): ContenderSpec<AttentionTask>[] {
  return contendersOf(attentionKernels, backends, prepareForward)
}

/** The same of `attentionBackward`. */
export function backwardContenders(backends: readonly Backend[]): ContenderSpec<AttentionTask>[] {
  return contendersOf(backwardKernels, backends, prepareBackward)
}

function contendersOf(
  kernels: typeof attentionKernels | typeof backwardKernels,
  backends: readonly Backend[],
  prepare: (task: AttentionTask, way: Way) => Prepared,
): ContenderSpec<AttentionTask>[] {
  return backends.flatMap((backend) => {
    const home = isWasm(backend) ? 'resident' : 'heap'
    const rows = kernels.filter((kernel) => runsOn(kernel, backend))
    const specs = rows.flatMap(({ name }): ContenderSpec<AttentionTask>[] => [
      {
        contender: kernelContender(name, backend, 'sparse'),
        supports: (task) => affordable(task, backend),
        prepare: async (task) => prepare(task, { backend, home, kernel: name, everyBlock: false }),
      },
      {
        contender: kernelContender(name, backend, 'dense', { path: 'every block' }),
        supports({ mask }) {
          if (!isWasm(backend)) return 'the kernels in JS take seconds for it'
          return mask !== undefined || 'nothing is left out, so this is the same as the kernel itself'
        },
        prepare: async (task) => prepare(task, { backend, home, kernel: name, everyBlock: true }),
      },
    ])
    const automatic: ContenderSpec<AttentionTask> = {
      contender: kernelContender(`auto__${backend.name}`, backend, 'sparse', { tensors: 'js-heap' }),
      supports: () => true,
      prepare: async (task) => prepare(task, { backend, home: 'heap', kernel: undefined, everyBlock: false }),
    }
    return isWasm(backend) ? [...specs, automatic] : specs
  })
}

/** What plain JS computes in a second, about. */
const MOST_JS_FLOPS = 1e9

function affordable({ flops }: AttentionTask, backend: Backend): true | string {
  return isWasm(backend) || flops <= MOST_JS_FLOPS || 'plain JS takes seconds for it'
}

function shapeOf({ heads, keyHeads, tokens, keys, headDim }: AttentionTask) {
  return { batch: 1, heads, keyHeads, tokens, keys, headDim }
}

function patternOf(task: AttentionTask, { everyBlock }: Way) {
  const { mask, causal } = task
  return { mask: mask && everyBlock ? withEveryBlock(mask) : mask, causal }
}

/** The same pairs in blocks that are all there: whole blocks have an element mask that keeps all, others one that keeps nothing. */
export function withEveryBlock(mask: BlockMask): BlockMask {
  const { blockShape, heads, rows, columns, rowOffsets, columnIndices } = mask
  const blockRows = heads * Math.ceil(rows / blockShape[0])
  const blockColumns = Math.ceil(columns / blockShape[1])
  const words = blockShape[0] * Math.ceil(blockShape[1] / 32)
  const [nothing, everything] = [mask.elements.length / words, mask.elements.length / words + 1]
  const elements = new Uint32Array(mask.elements.length + 2 * words)
  elements.set(mask.elements)
  elements.fill(0xffffffff, everything * words)
  const partialIndices = new Uint32Array(blockRows * blockColumns).fill(nothing)
  for (let row = 0; row < blockRows; row++) {
    for (let block = rowOffsets[row]; block < rowOffsets[row + 1]; block++) {
      const partial = mask.partialIndices[block]
      partialIndices[row * blockColumns + columnIndices[block]] = partial === FULL ? everything : partial
    }
  }
  return blockMask({
    blockShape,
    heads,
    rows,
    columns,
    rowOffsets: Uint32Array.from({ length: blockRows + 1 }, (_, row) => row * blockColumns),
    columnIndices: Uint32Array.from(partialIndices, (_, i) => i % blockColumns),
    partialIndices,
    elements,
  })
}

function prepareForward(task: AttentionTask, way: Way): Prepared {
  const { backend, home, kernel } = way
  const [plan, planning] = timed(() => attention.plan({ ...shapeOf(task), ...patternOf(task, way), backend, kernel }))
  const { q, k, v } = operands(task, way)
  const out = place(q.shape, backend, home)
  return prepared({
    backend,
    planning,
    packedBytes: null,
    chosen: kernel === undefined ? plan.explain().kernel : undefined,
    inputs: [q, k, v],
    outputs: [out],
    run: () => plan.run(q, k, v, { out }),
    dispose: () => plan.dispose(),
  })
}

function prepareBackward(task: AttentionTask, way: Way): Prepared {
  const { backend, home, kernel } = way
  const forward = attention.plan({ ...shapeOf(task), ...patternOf(task, way), backend })
  const [plan, planning] = timed(() =>
    attentionBackward.plan({ ...shapeOf(task), ...patternOf(task, way), backend, kernel }),
  )
  const { q, k, v } = operands(task, way)
  const dOutput = place(q.shape, backend, home)
  const [dQ, dK, dV] = [q, k, v].map(({ shape }) => place(shape, backend, home))
  let saved = forward.run(q, k, v)
  return prepared({
    backend,
    planning,
    packedBytes: null,
    chosen: kernel === undefined ? plan.explain().kernel : undefined,
    inputs: [q, k, v, dOutput],
    outputs: [dQ, dK, dV],
    prepareInputs() {
      saved = forward.run(q, k, v)
    },
    run: () => plan.run(dOutput, { q, k, v, ...saved }, { out: { dQ, dK, dV } }),
    dispose() {
      plan.dispose()
      forward.dispose()
    },
  })
}

function operands({ heads, keyHeads, tokens, keys, headDim }: AttentionTask, { backend, home }: Way) {
  const make = (...shape: number[]) => place(shape, backend, home)
  return { q: make(heads, tokens, headDim), k: make(keyHeads, keys, headDim), v: make(keyHeads, keys, headDim) }
}
