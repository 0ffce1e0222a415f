import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { EncodeTask } from '../end-to-end/encode-task.ts'
import type { Contender } from '../records/schema.ts'
import type { Baseline, Prepared } from '../runner/contender.ts'
import { Q8_TOLERANCE } from './onnx-encoder.ts'
import { encoderGraph } from './onnx-encoder-graph.ts'
import type { OnnxProto } from './onnx-graphs.ts'
import { type Importer, importPackage, loadPackage } from './packages.ts'

interface Tensor {
  readonly data: ArrayLike<number>
  normalize(p: number, dimension: number): Tensor
}

interface Model {
  (inputs: Record<string, Tensor>): Promise<{ readonly last_hidden_state: Tensor }>
  dispose(): Promise<unknown>
}

/** The part of transformers.js that is used here. */
interface TransformersJs {
  readonly env: { readonly version: string; localModelPath: string; allowRemoteModels: boolean }
  readonly AutoModel: { from_pretrained(name: string, options: object): Promise<Model> }
  readonly Tensor: new (type: string, data: BigInt64Array, dims: readonly number[]) => Tensor
  mean_pooling(states: Tensor, mask: Tensor): Tensor
}

/** What the library calls a product type, and its model file. */
const FILES = {
  f32: { dtype: 'fp32', file: 'model.onnx' },
  q8: { dtype: 'q8', file: 'model_quantized.onnx' },
} as const

/** Its feature extraction on tokens: the model, pooling and normalisation. In Node.js it runs ONNX Runtime as native code. */
export function transformersJsBaseline(importer: Importer = importPackage): Baseline<EncodeTask> {
  return {
    name: 'transformers.js',
    placeholder: contender(null, 1, 'f32'),
    async open(threads) {
      const proto = await loadPackage<OnnxProto>('onnx-proto', importer)
      const library = await loadPackage<TransformersJs>('@huggingface/transformers', importer)
      return threads.flatMap((count) =>
        (['f32', 'q8'] as const).map((products) => ({
          contender: contender(library.env.version, count, products),
          supports: () => true as const,
          prepare: (task: EncodeTask) => prepare(task, library, proto, products, count),
        })),
      )
    },
  }
}

function contender(version: string | null, threads: number, dtype: string): Contender {
  return {
    type: 'baseline',
    name: 'transformers.js',
    class: 'native',
    method: 'dense',
    version,
    settings: {},
    threads,
    dtype,
  }
}

async function prepare(
  { network, batch, tokens }: EncodeTask,
  library: TransformersJs,
  proto: OnnxProto,
  products: keyof typeof FILES,
  threads: number,
): Promise<Prepared> {
  const { bytes, weightBytes } = encoderGraph(proto, { ...network, products })
  const folder = await mkdtemp(join(tmpdir(), 'nnz-bench-'))
  const { dtype, file } = FILES[products]
  let model: Model
  let planning: number
  try {
    await mkdir(join(folder, 'onnx'))
    await writeFile(join(folder, 'onnx', file), bytes)
    await writeFile(join(folder, 'config.json'), JSON.stringify({ model_type: 'bert', architectures: ['BertModel'] }))
    library.env.allowRemoteModels = false
    library.env.localModelPath = dirname(folder)
    const start = performance.now()
    model = await library.AutoModel.from_pretrained(basename(folder), {
      local_files_only: true,
      dtype,
      device: 'cpu',
      session_options: { intraOpNumThreads: threads, interOpNumThreads: 1 },
    })
    planning = (performance.now() - start) * 1e6
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  const feed = (values: Iterable<number>) =>
    new library.Tensor('int64', BigInt64Array.from(values, BigInt), [batch, tokens])
  let inputs: Record<string, Tensor> = {}
  let mask = feed(new Uint8Array(batch * tokens))
  let output: ArrayLike<number> = []
  return {
    planning,
    packedBytes: weightBytes,
    ...(products === 'q8' ? { tolerance: Q8_TOLERANCE } : {}),
    setInput([ids]) {
      mask = feed(ids.map(() => 1))
      inputs = { input_ids: feed(ids), attention_mask: mask, token_type_ids: feed(ids.map(() => 0)) }
    },
    poison() {
      output = []
    },
    async run() {
      const { last_hidden_state: states } = await model(inputs)
      output = library.mean_pooling(states, mask).normalize(2, -1).data
    },
    output: () => output,
    async dispose() {
      await model.dispose()
    },
  }
}
