import type { ProductTask } from '../products/task.ts'
import type { Contender } from '../records/index.ts'
import type { ContenderSpec, Prepared } from '../runner/contender.ts'
import { matmulGraph, type OnnxProto, quantisedGraph } from './onnx-graphs.ts'
import { quantisationTolerance, quantiseRows } from './quantise.ts'
import { transpose } from './transpose.ts'

/** A model that is loaded. */
export interface Session {
  run(feeds: Record<string, object>, outputs?: readonly string[]): Promise<Record<string, { data: ArrayLike<number> }>>
  release(): Promise<void>
}

/** The part of ONNX Runtime that is used here; the same in its packages for Node and for WASM. */
export interface OnnxRuntime {
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> }
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => object
  readonly env: {
    readonly versions: Readonly<Record<string, string | undefined>>
    readonly wasm: { numThreads?: number }
  }
}

/** Protobuf messages end at 2 GiB. */
const LARGEST_MODEL = 2 ** 31 - 2 ** 20

/**
 * A product in ONNX Runtime. Activations are [n, k] and the weights the second operand, as in exported models: it packs only
 * a constant second operand when the session is made, and is slower the other way round.
 */
export function onnxContender(
  contender: Contender,
  runtime: OnnxRuntime,
  proto: OnnxProto,
  options: object,
): ContenderSpec<ProductTask> {
  const bytesPerWeight = contender.dtype === 'q8' ? 1 : 4
  return {
    contender,
    supports: ({ m, k }) => m * k * bytesPerWeight < LARGEST_MODEL || 'an ONNX file holds at most 2 GiB of weights',
    prepare: (task) =>
      prepareSession(
        task,
        runtime,
        options,
        contender.dtype === 'q8' ? quantisedModel(task, proto) : plainModel(task, proto),
      ),
  }
}

interface Model {
  readonly bytes: Uint8Array
  readonly weightBytes: number
  readonly tolerance?: (x: Float32Array) => number
}

function plainModel(task: ProductTask, proto: OnnxProto): Model {
  const { m, k, n } = task
  const bytes = matmulGraph(proto, transpose(task.dense(), m, k), [m, k, n])
  return { bytes, weightBytes: 4 * m * k }
}

function quantisedModel(task: ProductTask, proto: OnnxProto): Model {
  const { m, k, n } = task
  const weights = quantiseRows(task.dense(), m, k)
  return {
    bytes: quantisedGraph(proto, weights, [m, k, n]),
    weightBytes: m * k + 4 * m,
    tolerance: quantisationTolerance(task.dense(), m, k, weights),
  }
}

async function prepareSession(
  { m, k, n }: ProductTask,
  runtime: OnnxRuntime,
  options: object,
  { bytes, weightBytes, tolerance }: Model,
): Promise<Prepared> {
  const start = performance.now()
  const session = await runtime.InferenceSession.create(bytes, options)
  const planning = (performance.now() - start) * 1e6
  let feeds: Record<string, object> = {}
  let allowed = 0
  let y: ArrayLike<number> = []
  return {
    planning,
    packedBytes: weightBytes,
    // Depends on the range of the activations, which are quantised in every run; f32 is granted nothing.
    get tolerance() {
      return allowed
    },
    setInput([x]) {
      feeds = { x: new runtime.Tensor('float32', transpose(x, k, n), [n, k]) }
      if (tolerance !== undefined) allowed = tolerance(x)
    },
    poison() {
      y = []
    },
    async run() {
      y = (await session.run(feeds)).y.data
    },
    output: () => transpose(y, n, m),
    dispose: () => session.release(),
  }
}
