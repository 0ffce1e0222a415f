import type { AttentionTask } from '../attention/task.ts'
import type { Contender } from '../records/index.ts'
import type { ContenderSpec, Prepared } from '../runner/contender.ts'
import { fusedGraph, spelledOutGraph } from './onnx-attention-graphs.ts'
import type { OnnxProto } from './onnx-graphs.ts'
import type { OnnxRuntime } from './onnx-runtime.ts'

/** The ways in which ONNX Runtime computes attention: spelled out as a graph, and as one fused operator. */
export const FORMS = ['graph', 'fused'] as const
export type Form = (typeof FORMS)[number]

/** The runtime holds the scores of all heads, and the bias, at once. */
const MOST_BYTES = 2 ** 31

/** Attention in ONNX Runtime with the same pattern, which it computes whole. */
export function onnxAttention(
  contender: Contender,
  form: Form,
  runtime: OnnxRuntime,
  proto: OnnxProto,
  options: object,
): ContenderSpec<AttentionTask> {
  return {
    contender,
    supports({ heads, keyHeads, tokens, keys }) {
      if (form === 'fused' && heads !== keyHeads) return 'the fused operator has as many key heads as heads'
      return 4 * heads * tokens * keys < MOST_BYTES || `its scores take ${heads} x ${tokens} x ${keys} x 4 bytes`
    },
    prepare: (task) => prepare(task, form, runtime, proto, options),
  }
}

async function prepare(
  task: AttentionTask,
  form: Form,
  runtime: OnnxRuntime,
  proto: OnnxProto,
  options: object,
): Promise<Prepared> {
  const { heads, keyHeads, tokens, keys, headDim, mask, causal } = task
  const biased = mask !== undefined || (causal && form === 'graph' && tokens > 1)
  const graph = (form === 'fused' ? fusedGraph : spelledOutGraph)(proto, { task, biased })
  const start = performance.now()
  const session = await runtime.InferenceSession.create(graph, options)
  const planning = (performance.now() - start) * 1e6
  const feed = (data: Float32Array, dims: readonly number[]) => new runtime.Tensor('float32', data, dims)
  const fused = form === 'fused'
  const place = (data: Float32Array, count: number, rows: number) =>
    fused
      ? feed(swapped(data, count, rows, headDim), [1, rows, count * headDim])
      : feed(data, [keyHeads, count / keyHeads, rows, headDim])
  const bias: Record<string, object> = biased
    ? { bias: feed(biasOf(task), fused ? [1, 1, tokens, keys] : [tokens, keys]) }
    : {}
  let feeds: Record<string, object> = {}
  let y: ArrayLike<number> = []
  return {
    planning,
    packedBytes: null,
    setInput([q, k, v]) {
      feeds = { q: place(q, heads, tokens), k: place(k, keyHeads, keys), v: place(v, keyHeads, keys), ...bias }
    },
    poison() {
      y = []
    },
    async run() {
      y = (await session.run(feeds)).y.data
    },
    output: () => (fused && y.length > 0 ? swapped(y, tokens, heads, headDim) : y),
    dispose: () => session.release(),
  }
}

/** Rows of `width` numbers: [a, b, width] as [b, a, width]. */
function swapped(data: ArrayLike<number>, a: number, b: number, width: number): Float32Array {
  const result = new Float32Array(data.length)
  for (let i = 0; i < a; i++)
    for (let j = 0; j < b; j++)
      for (let c = 0; c < width; c++) result[(j * a + i) * width + c] = data[(i * b + j) * width + c]
  return result
}

function biasOf({ tokens, keys, keeps }: AttentionTask): Float32Array {
  return Float32Array.from({ length: tokens * keys }, (_, i) =>
    keeps(Math.floor(i / keys), i % keys, 0) ? 0 : Number.NEGATIVE_INFINITY,
  )
}
