import type { Contender } from '../records/schema.ts'
import type { Baseline, ContenderSpec, Prepared } from '../runner/contender.ts'
import type { Task } from '../runner/task.ts'
import type { OnnxProto } from './onnx-graphs.ts'
import type { ProductType } from './onnx-network.ts'
import type { Session } from './onnx-runtime.ts'
import { type OnnxPackage, openOnnxRuntimes } from './onnx-runtimes.ts'
import type { Importer } from './packages.ts'

/** The part of ONNX Runtime that networks use. */
export interface OnnxNetworkRuntime {
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> }
  readonly Tensor: new (type: string, data: ArrayBufferView, dims: readonly number[]) => object
  readonly env: {
    readonly versions: Readonly<Record<string, string | undefined>>
    readonly wasm: { numThreads?: number }
  }
}

/** What a contender's session is made with. */
export interface NetworkSession {
  readonly runtime: OnnxNetworkRuntime
  readonly proto: OnnxProto
  readonly products: ProductType
  readonly options: object
}

/** A network in ONNX Runtime, once for each type of products, with its settings, and number of threads. */
export function networkBaseline<T extends Task>(
  name: OnnxPackage,
  types: Readonly<Partial<Record<ProductType, Contender['settings']>>>,
  prepare: (task: T, session: NetworkSession) => Promise<Prepared>,
  importRuntime?: Importer,
  importer?: Importer,
): Baseline<T> {
  return {
    name,
    placeholder: contender(name, null, { threads: 1, dtype: 'f32', settings: types.f32 ?? {} }),
    async open(threads) {
      const opened = await openOnnxRuntimes<OnnxNetworkRuntime, OnnxProto>(name, threads, importRuntime, importer)
      const chosen = Object.entries(types) as [ProductType, Contender['settings']][]
      return opened.flatMap(({ runtime, proto, version, threads: count, options }) =>
        chosen.map(
          ([products, settings]): ContenderSpec<T> => ({
            contender: contender(name, version, { threads: count, dtype: products, settings }),
            supports: () => true,
            prepare: (task) => prepare(task, { runtime, proto, products, options }),
          }),
        ),
      )
    },
  }
}

function contender(
  name: string,
  version: string | null,
  rest: Pick<Contender, 'threads' | 'dtype' | 'settings'>,
): Contender {
  const platform = name === 'onnxruntime-web' ? 'wasm' : 'native'
  return { type: 'baseline', name, class: platform, method: 'dense', version, ...rest }
}
