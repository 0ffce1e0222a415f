import type { Contender } from '../records/index.ts'
import type { Baseline, ContenderSpec, Prepared } from '../runner/contender.ts'
import type { Task } from '../runner/task.ts'
import { type Loaded, loadPackage } from './load.ts'
import { denseGraph, quantisedGraph } from './onnx-graphs.ts'

interface OrtTensor {
  readonly data: ArrayLike<number>
}

interface OrtSession {
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>
  release(): Promise<void>
}

/** What both onnxruntime packages offer. */
interface Ort {
  readonly env: { wasm?: { numThreads?: number; proxy?: boolean }; logLevel?: string }
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<OrtSession> }
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => OrtTensor
}

/** Both packages export their names and a default with the same names, depending on the module system. */
type OrtModule = Ort & { default?: Ort }

interface Flavour {
  readonly name: string
  readonly platform: 'wasm' | 'native'
  readonly provider: 'wasm' | 'cpu'
}

function contender({ name, platform }: Flavour, version: string | null, threads: number, dtype: string): Contender {
  return {
    type: 'baseline',
    name,
    class: platform,
    method: 'dense',
    version,
    settings: { copies: 'in and out' },
    threads,
    dtype,
  }
}

function spec(
  flavour: Flavour,
  { module, version }: Loaded<OrtModule>,
  threads: number,
  dtype: 'f32' | 'q8',
): ContenderSpec {
  const ort = module.InferenceSession ? module : (module.default ?? module)
  return {
    contender: contender(flavour, version, threads, dtype),
    supports: () => true,
    async prepare(task: Task): Promise<Prepared> {
      if (ort.env.wasm) {
        ort.env.wasm.numThreads = threads
        ort.env.wasm.proxy = false
      }
      const start = process.hrtime.bigint()
      const { model, held, tolerance } = await (dtype === 'f32' ? denseGraph(task) : quantisedGraph(task))
      const session = await ort.InferenceSession.create(model, {
        executionProviders: [flavour.provider],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        graphOptimizationLevel: 'all',
        logSeverityLevel: 3,
      })
      const planning = Number(process.hrtime.bigint() - start)
      const { m, k, n } = task
      const x = new Float32Array(k * n)
      const feeds = { x: new ort.Tensor('float32', x, held === 'columns' ? [k, n] : [n, k]) }
      let y: ArrayLike<number> = []
      return {
        planning,
        packedBytes: null,
        ...(tolerance === undefined ? {} : { tolerance }),
        setInput(values) {
          x.set(held === 'columns' ? values : transposed(values, k, n))
        },
        async run() {
          y = (await session.run(feeds)).y.data
        },
        output: () => (held === 'columns' ? y : transposed(y, n, m)),
        dispose: () => session.release(),
      }
    },
  }
}

function transposed(values: ArrayLike<number>, rows: number, columns: number): Float32Array {
  const result = new Float32Array(rows * columns)
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = values[i * columns + j]
  return result
}

function baseline(flavour: Flavour, mostThreads: number): Baseline {
  return {
    name: flavour.name,
    placeholder: contender(flavour, null, 1, 'f32'),
    async open(threads) {
      // Both register a backend named "cpu" in the onnxruntime-common that they share, and the first one keeps the name: loaded
      // after onnxruntime-web, the native library would silently run as WASM.
      await loadPackage('onnxruntime-node').catch(() => undefined)
      const loaded = await loadPackage<OrtModule>(flavour.name)
      await loadPackage('onnx-proto')
      return threads
        .filter((count) => count <= mostThreads)
        .flatMap((count) => [spec(flavour, loaded, count, 'f32'), spec(flavour, loaded, count, 'q8')])
    },
  }
}

/**
 * onnxruntime-web: dense MatMul in WASM, f32 and dynamically quantised. Its number of threads is fixed by the first session
 * of a process, so that one process measures one thread.
 */
export const onnxruntimeWeb = baseline({ name: 'onnxruntime-web', platform: 'wasm', provider: 'wasm' }, 1)

/** onnxruntime-node: the native library. */
export const onnxruntimeNode = baseline({ name: 'onnxruntime-node', platform: 'native', provider: 'cpu' }, 64)
