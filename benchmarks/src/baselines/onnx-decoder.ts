import { type GenerateTask, STEPS } from '../end-to-end/generate-task.ts'
import { logProbabilities } from '../end-to-end/plain-networks.ts'
import { preparedText, type TextRunner } from '../end-to-end/text-runner.ts'
import type { Baseline, Prepared } from '../runner/contender.ts'
import { cacheNames, decoderGraph } from './onnx-decoder-graph.ts'
import { type NetworkSession, networkBaseline, type OnnxNetworkRuntime } from './onnx-network-runtime.ts'
import type { Importer } from './packages.ts'

/** How far weights and activations in 8 bits may put log p of the tokens that are most probable. */
const Q8_TOLERANCE = 3

/**
 * SmolLM2 in ONNX Runtime: in WASM, as it runs in browsers, or compiled for this CPU; whole, and in 8 bits. What is in 8 bits is the
 * network as published, since activations of a pruned one have outliers that 8 bits with one scale do not hold.
 */
export function onnxDecoderBaseline(
  name: 'onnxruntime-web' | 'onnxruntime-node',
  importRuntime?: Importer,
  importer?: Importer,
): Baseline<GenerateTask> {
  return networkBaseline(name, { f32: {}, q8: { weights: 'as published' } }, prepare, importRuntime, importer)
}

async function prepare(task: GenerateTask, { runtime, proto, products, options }: NetworkSession): Promise<Prepared> {
  const { tokens } = task
  const network = products === 'q8' ? task.published : task.network
  const { bytes, weightBytes } = decoderGraph(proto, { ...network, products, positions: tokens + STEPS })
  const start = performance.now()
  const session = await runtime.InferenceSession.create(bytes, options)
  const planning = (performance.now() - start) * 1e6
  return preparedText(task, textRunner(runtime, session, network.config), {
    planning,
    packedBytes: weightBytes,
    ...(products === 'q8' ? { tolerance: Q8_TOLERANCE, expectationOf: task.publishedExpectationOf } : {}),
  })
}

type Outputs = Awaited<ReturnType<Awaited<ReturnType<OnnxNetworkRuntime['InferenceSession']['create']>>['run']>>

function textRunner(
  runtime: OnnxNetworkRuntime,
  session: Awaited<ReturnType<OnnxNetworkRuntime['InferenceSession']['create']>>,
  { layers, keyHeads, width, heads }: GenerateTask['network']['config'],
): TextRunner {
  const names = Array.from({ length: layers }, (_, layer) => cacheNames(layer)).flat()
  const nothing = () => new runtime.Tensor('float32', new Float32Array(), [1, keyHeads, 0, width / heads])
  let length = 0
  let last: Outputs | undefined
  const extend = async (tokens: readonly number[]) => {
    length += tokens.length
    last = await session.run({
      input_ids: new runtime.Tensor('int64', BigInt64Array.from(tokens, BigInt), [1, tokens.length]),
      lengths: new runtime.Tensor('int32', Int32Array.of(length - 1), [1]),
      total: new runtime.Tensor('int32', Int32Array.of(length), []),
      ...Object.fromEntries(names.map((name) => [`past.${name}`, last?.[`present.${name}`] ?? nothing()])),
    })
  }
  return {
    async begin(tokens) {
      length = 0
      last = undefined
      await extend(tokens)
    },
    append: (token) => extend([token]),
    following: () => logProbabilities(last?.logits.data ?? []),
    dispose: () => session.release(),
  }
}
