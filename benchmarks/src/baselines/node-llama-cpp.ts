import type { GenerateTask } from '../end-to-end/generate-task.ts'
import { STEPS } from '../end-to-end/generate-task.ts'
import { preparedText, type TextRunner } from '../end-to-end/text-runner.ts'
import type { Contender } from '../records/schema.ts'
import type { Baseline, Prepared } from '../runner/contender.ts'
import { type Importer, importPackage, loadPackage } from './packages.ts'

/** A token, or one whose followers are asked for. */
type Item = number | readonly [token: number, { readonly generateNext: { token?: boolean; probabilities?: boolean } }]

interface Sequence {
  clearHistory(): Promise<void>
  eraseContextTokenRanges(ranges: readonly { start: number; end: number }[]): Promise<void>
  controlledEvaluate(
    items: readonly Item[],
  ): Promise<readonly ({ readonly next: { readonly probabilities?: ReadonlyMap<number, number> } } | undefined)[]>
}

interface Disposable {
  dispose(): Promise<void>
}

interface Model extends Disposable {
  readonly size: number
  createContext(options: object): Promise<Disposable & { getSequence(): Sequence }>
}

interface Llama extends Disposable {
  loadModel(options: object): Promise<Model>
}

/** The part of node-llama-cpp that is used here. */
interface NodeLlamaCpp {
  getLlama(options: object): Promise<Llama>
  getModuleVersion(): Promise<string>
}

/** How far 4-bit weights times 8-bit activations may put log p of the tokens that are most probable. */
export const Q4_TOLERANCE = 1

/** llama.cpp as native code, with the 4-bit weights of the file. It computes the network as published. */
export function nodeLlamaCppBaseline(importer: Importer = importPackage): Baseline<GenerateTask> {
  return {
    name: 'node-llama-cpp',
    placeholder: contender(null, 1),
    async open(threads) {
      const library = await loadPackage<NodeLlamaCpp>('node-llama-cpp', importer)
      const version = await library.getModuleVersion()
      return threads.map((count) => ({
        contender: contender(version, count),
        supports: ({ network }) => network.path !== undefined || 'llama.cpp reads a file, and this network has none',
        prepare: (task) => prepare(task, library, count),
      }))
    },
  }
}

function contender(version: string | null, threads: number): Contender {
  return {
    type: 'baseline',
    name: 'node-llama-cpp',
    class: 'native',
    method: 'dense',
    version,
    settings: { weights: 'as published' },
    threads,
    dtype: 'q4',
  }
}

async function prepare(task: GenerateTask, library: NodeLlamaCpp, threads: number): Promise<Prepared> {
  const start = performance.now()
  // Nothing is downloaded and nothing is built: the package for this platform brings its binary.
  const llama = await library.getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    maxThreads: threads,
    logLevel: 'error',
  })
  const model = await llama.loadModel({ modelPath: task.network.path })
  const contextSize = task.tokens + STEPS
  const context = await model.createContext({ contextSize, batchSize: contextSize, threads })
  const planning = (performance.now() - start) * 1e6
  return preparedText(task, textRunner(context.getSequence(), [context, model, llama]), {
    planning,
    packedBytes: model.size,
    tolerance: Q4_TOLERANCE,
    expectationOf: task.publishedExpectationOf,
  })
}

function textRunner(sequence: Sequence, owned: readonly Disposable[]): TextRunner {
  let last = 0
  let length = 0
  // The likeliest token is chosen, as in a greedy generation.
  const evaluate = async (tokens: readonly number[]) => {
    last = tokens[tokens.length - 1]
    length += tokens.length
    await sequence.controlledEvaluate([...tokens.slice(0, -1), [last, { generateNext: { token: true } }]])
  }
  return {
    async begin(tokens) {
      await sequence.clearHistory()
      length = 0
      await evaluate(tokens)
    },
    append: (token) => evaluate([token]),
    async following() {
      await sequence.eraseContextTokenRanges([{ start: length - 1, end: length }])
      const [result] = await sequence.controlledEvaluate([[last, { generateNext: { probabilities: true } }]])
      const probabilities = result?.next.probabilities ?? new Map<number, number>()
      const logarithms = new Float64Array(Math.max(0, ...probabilities.keys()) + 1).fill(Number.NEGATIVE_INFINITY)
      for (const [token, probability] of probabilities) logarithms[token] = Math.log(probability)
      return logarithms
    },
    async dispose() {
      for (const part of owned) await part.dispose()
    },
  }
}
