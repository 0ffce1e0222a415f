import type { EncodeTask } from '../end-to-end/encode-task.ts'
import type { Contender } from '../records/schema.ts'
import type { Baseline, ContenderSpec, Prepared } from '../runner/contender.ts'
import { encoderGraph } from './onnx-encoder-graph.ts'
import type { OnnxProto } from './onnx-graphs.ts'
import type { ProductType } from './onnx-network.ts'
import type { Session } from './onnx-runtime.ts'
import { type Importer, importPackage, loadPackage, requireOwnOnnxRuntime } from './packages.ts'

/** The part of ONNX Runtime that networks use. */
export interface OnnxNetworkRuntime {
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> }
  readonly Tensor: new (type: string, data: ArrayBufferView, dims: readonly number[]) => object
  readonly env: {
    readonly versions: Readonly<Record<string, string | undefined>>
    readonly wasm: { numThreads?: number }
  }
}

/**
 * How far 8 bits may put an element of a vector of length 1: two directions that have nothing in common are off by a quarter
 * in some element when they have some hundred.
 */
export const Q8_TOLERANCE = 0.1

const PRODUCTS: readonly ProductType[] = ['f32', 'q8']

/** MiniLM in ONNX Runtime: in WASM, as it runs in browsers, or compiled for this CPU; whole and in 8 bits. */
export function onnxEncoderBaseline(
  name: 'onnxruntime-web' | 'onnxruntime-node',
  importRuntime: Importer = requireOwnOnnxRuntime,
  importer: Importer = importPackage,
): Baseline<EncodeTask> {
  const web = name === 'onnxruntime-web'
  return {
    name,
    placeholder: contender(name, null, 1, 'f32'),
    async open(threads) {
      const proto = await loadPackage<OnnxProto>('onnx-proto', importer)
      const specs: ContenderSpec<EncodeTask>[] = []
      for (const count of threads) {
        const runtime = await loadPackage<OnnxNetworkRuntime>(name, importRuntime)
        if (web) runtime.env.wasm.numThreads = count
        const version = runtime.env.versions[web ? 'web' : 'node'] ?? null
        const options = web
          ? { executionProviders: ['wasm'] }
          : { executionProviders: ['cpu'], intraOpNumThreads: count, interOpNumThreads: 1 }
        for (const products of PRODUCTS)
          specs.push({
            contender: contender(name, version, count, products),
            supports: () => true,
            prepare: (task) => prepare(task, runtime, proto, { products, options }),
          })
      }
      return specs
    },
  }
}

function contender(name: string, version: string | null, threads: number, dtype: string): Contender {
  return {
    type: 'baseline',
    name,
    class: name === 'onnxruntime-web' ? 'wasm' : 'native',
    method: 'dense',
    version,
    settings: {},
    threads,
    dtype,
  }
}

async function prepare(
  { network, batch, tokens }: EncodeTask,
  runtime: OnnxNetworkRuntime,
  proto: OnnxProto,
  { products, options }: { products: ProductType; options: object },
): Promise<Prepared> {
  const { bytes, weightBytes } = encoderGraph(proto, { ...network, products })
  const start = performance.now()
  const session = await runtime.InferenceSession.create(bytes, options)
  const planning = (performance.now() - start) * 1e6
  const feed = (values: Iterable<number>) =>
    new runtime.Tensor('int64', BigInt64Array.from(values, BigInt), [batch, tokens])
  let feeds: Record<string, object> = {}
  let output: ArrayLike<number> = []
  return {
    planning,
    packedBytes: weightBytes,
    ...(products === 'q8' ? { tolerance: Q8_TOLERANCE } : {}),
    setInput([ids]) {
      const [attention_mask, token_type_ids] = [1, 0].map((value) => feed(ids.map(() => value)))
      feeds = { input_ids: feed(ids), attention_mask, token_type_ids }
    },
    poison() {
      output = []
    },
    async run() {
      output = (await session.run(feeds, ['sentence_embedding'])).sentence_embedding.data
    },
    output: () => output,
    dispose: () => session.release(),
  }
}
