import type { Contender } from '../records/schema.ts'
import type { Baseline, ContenderSpec, Prepared } from '../runner/contender.ts'
import type { Task } from '../runner/task.ts'
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

/** What a contender's session is made with. */
export interface NetworkSession {
  readonly runtime: OnnxNetworkRuntime
  readonly proto: OnnxProto
  readonly products: ProductType
  readonly options: object
}

/** A network in ONNX Runtime, once for each type of products, with its settings, and number of threads. */
export function networkBaseline<T extends Task>(
  name: 'onnxruntime-web' | 'onnxruntime-node',
  types: Readonly<Partial<Record<ProductType, Contender['settings']>>>,
  prepare: (task: T, session: NetworkSession) => Promise<Prepared>,
  importRuntime: Importer = requireOwnOnnxRuntime,
  importer: Importer = importPackage,
): Baseline<T> {
  const web = name === 'onnxruntime-web'
  return {
    name,
    placeholder: contender(name, null, { threads: 1, dtype: 'f32', settings: types.f32 ?? {} }),
    async open(threads) {
      const proto = await loadPackage<OnnxProto>('onnx-proto', importer)
      const specs: ContenderSpec<T>[] = []
      for (const count of threads) {
        const runtime = await loadPackage<OnnxNetworkRuntime>(name, importRuntime)
        if (web) runtime.env.wasm.numThreads = count
        const version = runtime.env.versions[web ? 'web' : 'node'] ?? null
        const options = web
          ? { executionProviders: ['wasm'] }
          : { executionProviders: ['cpu'], intraOpNumThreads: count, interOpNumThreads: 1 }
        for (const [products, settings] of Object.entries(types) as [ProductType, Contender['settings']][])
          specs.push({
            contender: contender(name, version, { threads: count, dtype: products, settings }),
            supports: () => true,
            prepare: (task) => prepare(task, { runtime, proto, products, options }),
          })
      }
      return specs
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
