import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Storable, WrittenTensor } from '@nnz/core/storage'
import type { TensorEntry, TensorFile } from '@nnz/formats'
import { openTensorsFile } from '@nnz/formats/node'
import writeFileAtomic from 'write-file-atomic'
import { totalOf } from '../driver/report.ts'
import { expectSparsity } from '../methods/options.ts'
import { patternName, unitsOf } from '../pattern/pattern.ts'
import { chooseMatrices } from './choose.ts'
import { matrixPruner } from './matrix-pruner.ts'
import { openNetwork } from './network.ts'
import { networkPruner } from './network-pruner.ts'
import type { FileOptions } from './options.ts'
import { PartialFile } from './partial-file.ts'
import { expectWritable } from './paths.ts'
import type { Pruner } from './pruner.ts'
import type { FileReport, MatrixReport } from './report.ts'
import { sparseFile, sparseLayout, standsBeside } from './sparse-file.ts'
import { OutputTensors } from './stored.ts'
import { version } from './version.ts'

/** The step of a partial file that stands for the tensors that are copied: no JSON of a matrix is like it. */
const COPIED = { name: '', copied: true } as const

/** A file, and how its matrices are going to be pruned. */
interface Job {
  readonly file: TensorFile
  readonly pruner: Pruner
  readonly options: FileOptions
}

/** Opens the input and prepares what would be done; the caller closes the file. */
export async function prepare(options: FileOptions): Promise<Job> {
  checkSettings(options)
  const file = await openTensorsFile(options.input)
  try {
    const chosen = chooseMatrices(file, options)
    const { input, text, samples } = options
    const pruner =
      text === undefined
        ? await matrixPruner(file, chosen, options)
        : networkPruner(file, chosen, await openNetwork(input, file.format, text, samples), options)
    return { file, pruner, options }
  } catch (error) {
    await file.close()
    throw error
  }
}

function checkSettings({ pattern, sparsity, allocation, method, quantise, refine }: FileOptions): void {
  if (unitsOf(pattern, 'pattern').nm) {
    if (sparsity !== undefined)
      throw new RangeError(`${patternName(pattern)} has its own sparsity: leave --sparsity out`)
    if (allocation !== 'uniform')
      throw new RangeError(`${patternName(pattern)} has one sparsity in all matrices: leave --allocation out`)
  } else {
    if (sparsity === undefined) throw new RangeError('expected --sparsity <share>')
    expectSparsity(sparsity, '--sparsity')
  }
  if ((quantise || refine) && method !== 'sparsegpt')
    throw new RangeError(`${quantise ? '--quantise' : '--refine'} is for sparsegpt, the method is ${method}`)
}

/**
 * Prunes a file of tensors into a safetensors file and a report. The input is only read. The output comes into being at
 * `<output>.partial` and is moved to its place when it is whole; if a run is interrupted, an equal one goes on behind the
 * last matrix that was finished.
 *
 * @throws FileFormatError where the input is damaged
 * @throws RangeError where options do not fit the file, or a file is in the way
 */
export async function pruneFile(options: FileOptions): Promise<FileReport> {
  await expectWritable(options.input, [options.output, options.report], options.force)
  const job = await prepare(options)
  try {
    return await execute(job)
  } finally {
    await job.file.close()
  }
}

async function execute(job: Job): Promise<FileReport> {
  const start = performance.now()
  const { file, pruner, options } = job
  const tensors = new OutputTensors(file, options.method === 'sparsegpt')
  const chosen = new Set(pruner.matrices.map(({ entry }) => entry.name))
  const others = [...file.tensors.values()].filter(({ name }) => !chosen.has(name))
  const keeps = (entry: TensorEntry) =>
    tensors.holds(entry) && (!options.sparse || standsBeside(tensors.describeCopy(entry)))
  const copied = others.filter(keeps)
  const sha256 = await hashOf(options.input)
  const partial = await PartialFile.open<MatrixReport | typeof COPIED>(
    `${options.output}.partial`,
    await identity(options, sha256),
    [
      ...pruner.matrices.map((matrix) => tensors.describe(matrix)),
      ...copied.map((entry) => tensors.describeCopy(entry)),
    ],
    metadataOf(file, options),
    options.restart,
  )
  const output = { ...job, tensors, copied, partial }
  let layers: MatrixReport[]
  try {
    layers = await fill(output)
    if (options.sparse) await writeFileAtomic(options.output, Buffer.from((await sparseBytes(output)).buffer))
  } catch (error) {
    await partial.close()
    throw error
  }
  if (options.sparse) await partial.discard()
  else await partial.commit(options.output)
  const report: FileReport = {
    schema: 1,
    input: { name: file.name, format: file.format, bytes: (await stat(options.input)).size, sha256 },
    output: { name: basename(options.output), bytes: (await stat(options.output)).size, sparse: options.sparse },
    method: options.method,
    pattern: patternName(options.pattern),
    allocation: options.allocation,
    layers,
    copied: copied.map(({ name }) => name),
    leftOut: others.filter((entry) => !keeps(entry)).map(({ name }) => name),
    total: totalOf(layers, (performance.now() - start) / 1000),
  }
  await writeFileAtomic(options.report, `${JSON.stringify(report, null, 2)}\n`)
  return report
}

/** A job with the output that comes into being. */
interface Output extends Job {
  readonly tensors: OutputTensors
  readonly copied: readonly TensorEntry[]
  readonly partial: PartialFile<MatrixReport | typeof COPIED>
}

/** Copies and prunes what no earlier run did. */
async function fill({ pruner, options, tensors, copied, partial }: Output): Promise<MatrixReport[]> {
  const { name } = COPIED
  if (!partial.resumed.has(name)) {
    for (const entry of copied) await partial.write(entry.name, await tensors.copy(entry))
    await partial.finish(COPIED)
  }
  const done = new Map<string, MatrixReport>()
  for (const step of partial.resumed.values()) if ('nnz' in step) done.set(step.name, step)
  const progress = { total: pruner.matrices.length, resumed: done.size }
  options.onProgress?.({ ...progress, done: done.size })
  await pruner.run({
    finished: async (matrix) =>
      done.has(matrix.entry.name) ? tensors.decode(matrix, await partial.read(matrix.entry.name)) : undefined,
    async store(matrix, layer, weights) {
      const { name, shape, dtype } = matrix.entry
      const last = { ...layer, name, shape, dtype, method: options.method }
      await partial.write(name, await tensors.encode(matrix, weights))
      await partial.finish(last)
      done.set(name, last)
      options.onProgress?.({ ...progress, done: done.size, last })
    },
  })
  return pruner.matrices.map(({ entry }) => done.get(entry.name)!)
}

async function sparseBytes({ file, pruner, options, tensors, copied, partial }: Output) {
  const layouts: [string, Storable][] = []
  for (const matrix of pruner.matrices) {
    const weights = tensors.decode(matrix, await partial.read(matrix.entry.name))
    layouts.push([matrix.entry.name, sparseLayout(weights, matrix.rows, matrix.columns, options.pattern)])
  }
  const beside: WrittenTensor[] = []
  for (const entry of copied) beside.push({ ...tensors.describeCopy(entry), data: await partial.read(entry.name) })
  return sparseFile(layouts, beside, metadataOf(file, options))
}

/** Everything that the output depends on. */
async function identity(options: FileOptions, sha256: string) {
  // What does not change the output is left out.
  const { input, output, report, text, force, restart, onProgress, ...settings } = options
  return { version, sha256, text: text === undefined ? undefined : await hashOf(text), ...settings }
}

function metadataOf(file: TensorFile, { method, pattern }: FileOptions): Record<string, string> {
  const single = [...file.metadata].filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
  const texts = single.map(([key, value]) => [key, String(value)])
  // Sizes and tokeniser of a GGUF file are lists, too; with them, Decoder.load of @nnz/models runs the result.
  const all = file.format === 'gguf' && { gguf: JSON.stringify(Object.fromEntries(file.metadata)) }
  return { ...Object.fromEntries(texts), ...all, 'nnz-prune': `${method} ${patternName(pattern)}` }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
