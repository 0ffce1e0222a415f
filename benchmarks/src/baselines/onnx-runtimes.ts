import { type Importer, importPackage, loadPackage, requireOwnOnnxRuntime } from './packages.ts'

/** The packages of ONNX Runtime: in WASM, as it runs in browsers, and compiled for this CPU. */
export type OnnxPackage = 'onnxruntime-web' | 'onnxruntime-node'

/** What every use of ONNX Runtime needs of it. */
interface AnyOnnxRuntime {
  readonly env: {
    readonly versions: Readonly<Record<string, string | undefined>>
    readonly wasm: { numThreads?: number }
  }
}

/** An instance for one number of threads. */
export interface OpenedOnnxRuntime<R, P> {
  readonly runtime: R
  /** Writes models. */
  readonly proto: P
  readonly version: string | null
  readonly threads: number
  /** What sessions are made with. */
  readonly options: object
}

/** An instance of ONNX Runtime for each number of threads. Throws what `loadPackage` throws where a package is missing. */
export async function openOnnxRuntimes<R extends AnyOnnxRuntime, P>(
  name: OnnxPackage,
  threads: readonly number[],
  importRuntime: Importer = requireOwnOnnxRuntime,
  importer: Importer = importPackage,
): Promise<OpenedOnnxRuntime<R, P>[]> {
  const web = name === 'onnxruntime-web'
  const proto = await loadPackage<P>('onnx-proto', importer)
  const opened: OpenedOnnxRuntime<R, P>[] = []
  for (const count of threads) {
    // The number of threads in WASM belongs to an instance of the whole package.
    const runtime = await loadPackage<R>(name, importRuntime)
    if (web) runtime.env.wasm.numThreads = count
    const options = web
      ? { executionProviders: ['wasm'] }
      : { executionProviders: ['cpu'], intraOpNumThreads: count, interOpNumThreads: 1 }
    const version = runtime.env.versions[web ? 'web' : 'node'] ?? null
    opened.push({ runtime, proto, version, threads: count, options })
  }
  return opened
}
