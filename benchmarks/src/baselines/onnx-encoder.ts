import type { EncodeTask } from '../end-to-end/encode-task.ts'
import type { Baseline, Prepared } from '../runner/contender.ts'
import { encoderGraph } from './onnx-encoder-graph.ts'
import { type NetworkSession, networkBaseline } from './onnx-network-runtime.ts'
import type { Importer } from './packages.ts'

/**
 * How far 8 bits may put an element of a vector of length 1: two directions that have nothing in common are off by a quarter
 * in some element when they have some hundred.
 */
export const Q8_TOLERANCE = 0.1

/** MiniLM in ONNX Runtime: in WASM, as it runs in browsers, or compiled for this CPU; whole and in 8 bits. */
export function onnxEncoderBaseline(
  name: 'onnxruntime-web' | 'onnxruntime-node',
  importRuntime?: Importer,
  importer?: Importer,
): Baseline<EncodeTask> {
  return networkBaseline(name, { f32: {}, q8: {} }, prepare, importRuntime, importer)
}

async function prepare(
  { network, batch, tokens }: EncodeTask,
  { runtime, proto, products, options }: NetworkSession,
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
