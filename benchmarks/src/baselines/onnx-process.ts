// A program of its own: two copies of ONNX Runtime in one process claim the same name, and the number of threads of the
// WASM one is fixed at its first use. Arguments: web or node, and the number of threads.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { InferenceSession, Tensor } from 'onnxruntime-common'
import { sampleRuns } from '../runner/sample.ts'
import { bytesOf } from './process-contender.ts'

interface Request {
  readonly op: string
  readonly id: number
  readonly folder: string
  readonly k: number
  readonly n: number
  readonly milliseconds: number
}

interface Loaded {
  readonly session: InferenceSession
  readonly request: Request
  input: Tensor
  output: Tensor | undefined
}

const [flavour, threads] = [process.argv[2], Number(process.argv[3])]
const runtime = flavour === 'web' ? await import('onnxruntime-web') : await import('onnxruntime-node')
const options: InferenceSession.SessionOptions =
  flavour === 'web'
    ? { executionProviders: ['wasm'] }
    : { executionProviders: ['cpu'], intraOpNumThreads: threads, interOpNumThreads: 1 }
if (flavour === 'web') runtime.env.wasm.numThreads = threads
runtime.env.logLevel = 'error'
const sessions = new Map<number, Loaded>()

async function prepare(request: Request): Promise<object> {
  const model = await readFile(join(request.folder, 'model.onnx'))
  const start = process.hrtime.bigint()
  const session = await runtime.InferenceSession.create(model, options)
  const planning = Number(process.hrtime.bigint() - start)
  sessions.set(request.id, {
    session,
    request,
    input: tensor(request, new Float32Array(request.n * request.k)),
    output: undefined,
  })
  return { planning }
}

function tensor({ n, k }: Request, values: Float32Array): Tensor {
  return new runtime.Tensor('float32', values, [n, k])
}

async function answer(request: Request): Promise<object> {
  if (request.op === 'open') return { version: runtime.env.versions[flavour === 'web' ? 'web' : 'node'] }
  if (request.op === 'prepare') return prepare(request)
  const loaded = sessions.get(request.id)
  if (!loaded) throw new Error(`there is no session ${request.id}`)
  const { session, request: prepared } = loaded
  const run = async () => {
    loaded.output = (await session.run({ x: loaded.input })).y
  }
  const store = () => writeFile(join(prepared.folder, 'y.f32'), bytesOf(loaded.output?.data as Float32Array))
  switch (request.op) {
    case 'input': {
      const bytes = await readFile(join(prepared.folder, 'x.f32'))
      loaded.input = tensor(prepared, new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4))
      return {}
    }
    case 'run':
      await run()
      await store()
      return {}
    case 'sample': {
      const samples = await sampleRuns(run, request.milliseconds)
      await store()
      return { samples }
    }
    case 'dispose':
      await session.release()
      sessions.delete(request.id)
      return {}
    default:
      throw new Error(`unknown request ${request.op}`)
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const result = await answer(JSON.parse(line) as Request).catch((error: Error) => ({ error: error.message }))
  process.stdout.write(`${JSON.stringify(result)}\n`)
}
// Threads of a runtime must not outlive the run.
process.exit(0)
