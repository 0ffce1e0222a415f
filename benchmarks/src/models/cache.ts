import { createHash } from 'node:crypto'
import { createReadStream, statSync } from 'node:fs'
import { join } from 'node:path'
import envPaths from 'env-paths'
import { findModel, type Model, type ModelFile, models } from './models.ts'

/** What of a model lies in the cache. */
export interface ModelStatus {
  readonly model: Model
  readonly files: readonly { readonly file: ModelFile; readonly path: string; readonly present: boolean }[]
  /** Whether every file is there. */
  readonly present: boolean
}

/** Where fetched models are kept: `$NNZ_CACHE`, or else the user's cache folder of this platform. */
export function cacheFolder(): string {
  return process.env.NNZ_CACHE || envPaths('nnz', { suffix: '' }).cache
}

/** Where a file of a model lies, or would lie. */
export function cachedPath(model: Model, file: ModelFile): string {
  return join(cacheFolder(), 'models', model.name, file.name)
}

/** The path of a file of a model, or undefined where it has not been fetched. Throws RangeError for unknown names. */
export function modelFile(modelName: string, fileName: string): string | undefined {
  const model = findModel(modelName)
  const file = model.files.find(({ name }) => name === fileName)
  if (!file) throw new RangeError(`${modelName} has no file ${JSON.stringify(fileName)}`)
  const path = cachedPath(model, file)
  return hasSize(path, file.bytes) ? path : undefined
}

/** Says of every model whether its files are in the cache. Sizes are compared; {@link fetchModel} also checks hashes. */
export function listModels(): ModelStatus[] {
  return models.map((model) => {
    const files = model.files.map((file) => {
      const path = cachedPath(model, file)
      return { file, path, present: hasSize(path, file.bytes) }
    })
    return { model, files, present: files.every(({ present }) => present) }
  })
}

/** Whether a file has the size and the SHA-256 that the table names; false where there is none. */
export async function isIntact(path: string, file: ModelFile): Promise<boolean> {
  return hasSize(path, file.bytes) && (await sha256(path)) === file.sha256
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}

function hasSize(path: string, bytes: number): boolean {
  return statSync(path, { throwIfNoEntry: false })?.size === bytes
}
