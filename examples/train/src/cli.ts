import { configure } from '@nnz/core'
import { Command, InvalidArgumentError, Option } from 'commander'
import { DATASETS } from './data/load.ts'
import { METHODS } from './methods.ts'
import { NETWORKS } from './networks.ts'
import { RECIPES } from './train.ts'

/** A user's mistake is told in one line; everything else with its stack. */
function fail(error: unknown): void {
  const known = error instanceof RangeError || error instanceof TypeError || (error instanceof Error && 'code' in error)
  console.error(known ? `train: ${(error as Error).message}` : error)
  process.exitCode = 1
}

function whole(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError(`expected a whole number from 1 on, got ${text}`)
  return value
}

function seed(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError(`expected a whole number from 0 on, got ${text}`)
  return value
}

function share(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && value < 1))
    throw new InvalidArgumentError(`expected a share from 0 to below 1, got ${text}`)
  return value
}

function rate(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError(`expected a number above 0, got ${text}`)
  return value
}

function list<T>(item: (text: string) => T): (text: string) => T[] {
  return (text) => text.split(',').map((part) => item(part.trim()))
}

function oneOf<T extends string>(known: readonly T[]): (text: string) => T {
  return (text) => {
    const found = known.find((name) => name === text)
    if (found === undefined) throw new InvalidArgumentError(`expected one of ${known.join(', ')}, got ${text}`)
    return found
  }
}

const program = new Command('train')
  .description('Trains small networks from scratch, dense and sparse, on real data.')
  .showHelpAfterError('(--help shows the options)')

/** Options that single trainings and the matrix have in common. */
function common(command: Command): Command {
  return command
    .addOption(new Option('--dataset <name>', 'what to train on').choices(DATASETS).default('mnist'))
    .option(
      '--data <folder>',
      'where the data lie: idx files or .txt files; not needed for mnist, nor for what was fetched',
    )
    .option('--steps <count>', 'optimiser steps', whole, 500)
    .option('--batch <count>', 'images, or sequences of text, in a step', whole, 64)
    .option('--learning-rate <rate>', 'at its peak, for AdamW', rate, 2e-3)
    .option('--seed <number>', 'of weights, patterns and order', seed, 1)
    .addOption(new Option('--recipe <name>', 'settings of training').choices(Object.keys(RECIPES)).default('dense'))
    .option('--threads <count>', 'threads of the kernels; the result is the same for any number', whole, 1)
    .hook('preAction', (_, action) => configure({ threads: action.opts().threads }))
    .option('--change-every <steps>', 'steps between changes of the pattern', whole, 25)
}

const single = common(program.command('run', { isDefault: true }))
  .description('train one network')
  .addOption(new Option('--model <name>', 'which network').choices(NETWORKS).default('mlp'))
  .addOption(new Option('--method <name>', 'how the zeros come about').choices(METHODS).default('rigl'))
  .option('--sparsity <share>', 'share of zeros in the layers that may be sparse', share, 0.9)
  .option('--evaluate-every <steps>', 'steps between looks at the data that are not trained on', whole, 100)
  .option('--checkpoint <file>', 'a safetensors file that is written on the way and at the end')
  .option('--checkpoint-every <steps>', 'steps between checkpoints', whole, 100)
  .option('--resume', 'go on from the checkpoint if there is one', false)
  .option('--metrics <file>', 'a file of JSON lines, one for each step')
  .action(async (options) => (await import('./commands/run.ts')).run(options))

common(program.command('matrix'))
  .description('train every network by every method, and write quality records for the report')
  .option('--models <names>', 'separated by commas; by default all that fit the data', list(oneOf(NETWORKS)))
  .option('--methods <names>', 'separated by commas', list(oneOf(METHODS)), [...METHODS])
  .option('--sparsity <shares>', 'separated by commas', list(share), [0.8, 0.9, 0.95])
  .option('--machine <name>', 'the name under which records are published', 'local')
  .option('--out <folder>', 'results folder', 'results')
  .action(async (options) => (await import('./commands/matrix.ts')).matrix(options))

common(program.command('search'))
  .description(
    'train with random static patterns that differ in nothing but their seed, and compare the best with the mean',
  )
  .addOption(new Option('--model <name>', 'which network').choices(NETWORKS).default('mlp'))
  .option('--sparsity <share>', 'share of zeros in the layers that may be sparse', share, 0.9)
  .option('--trials <count>', 'how many patterns', whole, 5)
  .action(async (options) => (await import('./commands/search.ts')).search(options))

program
  .command('fetch')
  .description('get Fashion-MNIST into the cache, checked by its SHA-256')
  .option('--from <url>', 'another place with the same files, its name ending in a slash')
  .action(async (options) => (await import('./commands/fetch.ts')).fetchData(options))

program
  .command('law')
  .description('fit loss against average parameters and samples over the trainings of quality records')
  .argument('<files...>', 'files that the matrix wrote')
  .action(async (files: string[]) => (await import('./commands/law.ts')).law(files))

// Whoever asks for help means, more often than not, the command that needs no name.
program.addHelpText('after', () => `\nWithout a command, run:\n\n${single.helpInformation()}`)

await program.parseAsync().catch(fail)
