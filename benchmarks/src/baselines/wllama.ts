import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type GenerateTask, STEPS } from '../end-to-end/generate-task.ts'
import type { Contender } from '../records/schema.ts'
import type { Baseline, Prepared } from '../runner/contender.ts'
import { type BrowserPage, browserVersion, findChromium, openPage } from './browser-page.ts'
import { Q4_TOLERANCE } from './node-llama-cpp.ts'
import { entryFolder, type Importer, importPackage, loadPackage } from './packages.ts'

/** A completion, in the names of llama.cpp's server. */
interface Completion {
  readonly choices: readonly [
    { readonly logprobs: { readonly content: readonly { readonly top_logprobs: readonly Likely[] }[] } | null },
  ]
  readonly usage: { readonly prompt_tokens: number }
  readonly timings: { readonly predicted_ms: number; readonly predicted_n: number }
}

interface Likely {
  readonly id: number
  readonly logprob: number
}

/** The part of wllama that is used in the page. */
interface Wllama {
  loadModel(files: readonly Blob[], options: object): Promise<void>
  createCompletion(options: object): Promise<Completion>
}

/** More than are compared: its order of unlikely tokens is another. */
const LIKELIEST = 512
const MODEL = '/model.gguf'
const PAGE = `<!doctype html><script type="module">
import { Wllama } from '/index.js'
globalThis.Wllama = Wllama
</script>`

/** What the page's own script and {@link load} leave behind. */
interface Globals {
  readonly Wllama: new (paths: object, options: object) => Wllama
  wllama: Wllama
}

/** Where the package and a browser are, with their versions. */
interface Installed {
  readonly folder: string
  readonly version: string
  readonly chromium: string
  readonly browser: string
}

/** llama.cpp in WASM, as it runs in browsers, with the 4-bit weights of the file. It computes the network as published. */
export function wllamaBaseline(importer: Importer = importPackage): Baseline<GenerateTask> {
  return {
    name: 'wllama',
    placeholder: contender(null, null, 1),
    async open(threads) {
      const installed = await find(importer)
      const { version, browser } = installed
      return threads.map((count) => ({
        contender: contender(version, browser, count),
        supports: (task) => supports(task),
        prepare: (task) => prepare(task, installed, count, importer),
      }))
    },
  }
}

async function find(importer: Importer): Promise<Installed> {
  const folder = await loadPackage<string>('@wllama/wllama', async (name) => entryFolder(name))
  await loadPackage('playwright-core', importer)
  const chromium = findChromium()
  const { version } = JSON.parse(await readFile(join(folder, '..', 'package.json'), 'utf8')) as { version: string }
  return { folder, version, chromium, browser: await browserVersion(chromium) }
}

function contender(version: string | null, browser: string | null, threads: number): Contender {
  return {
    type: 'baseline',
    name: 'wllama',
    class: 'wasm',
    method: 'dense',
    version,
    settings: { weights: 'as published', ...(browser === null ? {} : { browser }) },
    threads,
    dtype: 'q4',
  }
}

function supports({ network, phase, brief, textOf }: GenerateTask): true | string {
  if (network.path === undefined || textOf([]) === undefined) return 'it reads a file, and this network has none'
  if (phase === 'prefill') return 'it takes a minute for a long prompt'
  return !brief || 'it takes a minute to start: only the full suite has it'
}

async function prepare(
  { network: { path = '' }, tokens, textOf, publishedExpectationOf }: GenerateTask,
  { folder, chromium }: Installed,
  threads: number,
  importer: Importer,
): Promise<Prepared> {
  const files = new Map([
    ['/index.js', join(folder, 'index.js')],
    ['/wllama.wasm', join(folder, 'wasm', 'wllama.wasm')],
    [MODEL, path],
  ])
  const page = await openPage(PAGE, files, chromium, importer)
  const { planning, bytes } = await load(page, threads)
  let prompt = ''
  let output = new Float64Array()
  const complete = (options: object) =>
    page.evaluate(
      (given) => (globalThis as unknown as Globals).wllama.createCompletion(given),
      // The likeliest token is chosen; a prompt that was there before is kept.
      { prompt, temperature: 0, ignore_eos: true, cache_prompt: true, ...options },
    )
  const run = async () => {
    const { choices, usage } = await complete({ max_tokens: 1, logprobs: LIKELIEST })
    if (usage.prompt_tokens !== tokens + 1)
      throw new Error(`wllama cuts the text into ${usage.prompt_tokens} tokens, expected ${tokens + 1}`)
    const likely = choices[0].logprobs?.content[0].top_logprobs ?? []
    output = new Float64Array(Math.max(0, ...likely.map(({ id }) => id)) + 1).fill(Number.NEGATIVE_INFINITY)
    for (const { id, logprob } of likely) output[id] = logprob
  }
  return {
    planning,
    packedBytes: bytes,
    tolerance: Q4_TOLERANCE,
    expectationOf: publishedExpectationOf,
    setInput([ids]) {
      prompt = textOf(ids.subarray(0, tokens + 1)) ?? ''
    },
    poison() {
      output = new Float64Array()
    },
    run,
    async sample(milliseconds) {
      const end = performance.now() + milliseconds
      const samples: number[] = []
      do {
        const { timings } = await complete({ max_tokens: STEPS })
        // Its clock begins when the first token, which follows from the prompt, is there.
        samples.push((timings.predicted_ms * 1e6) / (timings.predicted_n - 1))
      } while (performance.now() < end)
      await run()
      return samples
    },
    output: () => output,
    dispose: () => page.close(),
  }
}

function load(page: BrowserPage, threads: number): Promise<{ planning: number; bytes: number }> {
  return page.evaluate(
    async ({ model, count }) => {
      const globals = globalThis as unknown as Globals
      const blob = await (await fetch(model)).blob()
      globals.wllama = new globals.Wllama({ default: '/wllama.wasm' }, { suppressNativeLog: true })
      const start = performance.now()
      // Two texts are kept, so that neither has to be read again.
      await globals.wllama.loadModel([blob], { n_threads: count, n_ctx: 1024, n_gpu_layers: 0, n_parallel: 2 })
      return { planning: (performance.now() - start) * 1e6, bytes: blob.size }
    },
    { model: MODEL, count: threads },
  )
}
