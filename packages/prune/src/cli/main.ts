import { join, parse } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { FileOptions } from './options.ts'
import { existing } from './paths.ts'
import { PATTERN_HELP, parsePattern } from './pattern.ts'
import { percent, showProgress } from './progress.ts'
import { prepare, pruneFile } from './prune-file.ts'
import { version } from './version.ts'

/** A user's mistake is told in one line; everything else with its stack. */
function fail(error: unknown): void {
  const known = error instanceof RangeError || error instanceof TypeError || (error instanceof Error && 'code' in error)
  console.error(known ? `nnz-prune: ${(error as Error).message}` : error)
  process.exitCode = 1
}

/** For commander: a mistake in an argument is told with its option. */
function argument<T>(parsed: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parsed(text)
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message)
    }
  }
}

function share(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError(`expected a share from 0 to 1, got ${text}`)
  return value
}

function whole(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError(`expected a whole number from 1 on, got ${text}`)
  return value
}

const collected = (value: string, before: string[]) => [...before, value]

/** What commander gives. */
interface Flags extends Omit<FileOptions, 'input' | 'output' | 'report' | 'quantise' | 'onProgress'> {
  readonly output?: string
  readonly report?: string
  readonly quantise?: string
  readonly dryRun: boolean
}

async function expectFile(path: string): Promise<void> {
  const found = await existing(path)
  if (!found) throw new RangeError(`${path}: there is no such file`)
  if (found.isDirectory()) throw new RangeError(`${path}: is a folder, expected a file`)
}

async function prune(input: string, flags: Flags): Promise<void> {
  await expectFile(input)
  if (flags.text !== undefined) await expectFile(flags.text)
  const { dir, name } = parse(input)
  const output = flags.output ?? join(dir, `${name}.pruned.safetensors`)
  const { quantise, dryRun, ...rest } = flags
  const options: FileOptions = {
    ...rest,
    input,
    output,
    report: flags.report ?? `${output.replace(/\.safetensors$/, '')}.json`,
    quantise: quantise === undefined ? undefined : { bits: quantise === '4' ? 4 : 8 },
  }
  if (dryRun) return showPlan(options)
  const progress = showProgress()
  process.once('SIGINT', () => {
    progress.stop()
    process.stderr.write('interrupted: the same command goes on behind the last matrix that was finished\n')
    process.exit(130)
  })
  try {
    const { total, layers } = await pruneFile({ ...options, onProgress: progress.at })
    progress.stop()
    console.log(
      `${output}: ${layers.length} matrices, ${total.nnz} of ${total.weights} weights kept, ${percent(total.sparsity)} are zeros`,
    )
  } finally {
    progress.stop()
  }
}

async function showPlan(options: FileOptions): Promise<void> {
  const { file, pruner } = await prepare(options)
  await file.close()
  pruner.matrices.forEach(({ entry: { name, dtype }, rows, columns }, i) => {
    const kept = pruner.kept?.[i]
    console.log(`${name} ${dtype} [${rows}, ${columns}]${kept === undefined ? '' : ` keeps ${kept}`}`)
  })
  console.log(
    `${pruner.matrices.length} of ${file.tensors.size} tensors would be pruned; ${options.output} would be written`,
  )
}

const program = new Command('nnz-prune')
  .description('Prunes the weights of a model file, layer by layer, into a safetensors file and a report.')
  .version(version)
  .argument('<input>', 'safetensors, GGUF or ONNX; it is only read')
  .option('-o, --output <file>', 'default: <input>.pruned.safetensors in the same folder')
  .option('--report <file>', 'JSON of what was done; default: <output>.json')
  .addOption(
    new Option('-m, --method <name>', 'how weights are chosen; all but magnitude need --text')
      .choices(['magnitude', 'wanda', 'sparsegpt', 'dsnot'])
      .default('magnitude'),
  )
  .option('-s, --sparsity <share>', 'share of zeros, from 0 to 1', share)
  .addOption(
    new Option('-p, --pattern <pattern>', PATTERN_HELP)
      .argParser(argument(parsePattern))
      .default({ kind: 'unstructured' }, 'unstructured'),
  )
  .addOption(
    new Option('-a, --allocation <rule>', 'how kept weights are divided among matrices; sensitivity needs --text')
      .choices(['uniform', 'erk', 'global', 'sensitivity'])
      .default('uniform'),
  )
  .addOption(
    new Option('--scope <scope>', 'among what weights are compared; the method says').choices(['layer', 'row']),
  )
  .option('--include <glob>', 'only matrices of such names, embeddings and heads too; may be repeated', collected, [])
  .option('--exclude <glob>', 'no matrices of such names; may be repeated', collected, [])
  .option(
    '--transposed <glob>',
    'matrices that are [inputs, outputs] (ONNX says so itself); may be repeated',
    collected,
    [],
  )
  .option('--text <file>', 'text to calibrate with: the network is run by @nnz/models')
  .option('--samples <count>', 'lines of the text for an encoder, windows of 256 tokens for a decoder', whole)
  .addOption(new Option('--quantise <bits>', 'round kept weights while pruning by sparsegpt').choices(['4', '8']))
  .option('--refine', 'look for better masks and weights by sparsegpt: several times as long')
  .option('--sparse', 'store pruned matrices in sparse layouts, which @nnz/core/storage loads', false)
  .option('--force', 'replace files that exist', false)
  .option('--restart', 'discard what an interrupted run left, instead of going on', false)
  .option('--dry-run', 'show what would be pruned, and write nothing', false)
  .action(prune)

await program.parseAsync().catch(fail)
