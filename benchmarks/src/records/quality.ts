import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { z } from 'zod'
import { runName } from './identity.ts'
import type { Identity } from './local-identity.ts'
import { assertPublishable } from './publishable.ts'
import { type Environment, environmentSchema, parseWith } from './schema.ts'

const label = z.string().min(1).max(200)

/** What a network, or a layer of one, still does at a sparsity. The dense network stands beside it, at sparsity 0. */
export const qualityRecordSchema = z.strictObject({
  kind: z.literal('quality'),
  /** The operation that makes it fast: `spmm`, `nm-gemm`, `attention`, `train`. */
  operation: label,
  model: label,
  /** Null where the whole model was judged. */
  layer: label.nullable(),
  /** How the zeros were chosen: `magnitude`, `wanda`, `rigl`, `pooled top-k`. */
  method: label,
  /** Share of zeros, or of pairs left out, 0..1. */
  sparsity: z.number().min(0).max(1),
  /** What it was judged on: text, images, their number. */
  data: z.string().min(1).max(500),
  seed: z.int().nonnegative().nullable(),
  /** By names that say their unit, or none: `accuracy`, `perplexity`, `ms per step`. Null where a figure is not finite. */
  metrics: z.record(label, z.number().nullable()),
})

export const qualityFileSchema = z.strictObject({
  schema: z.literal(1),
  kind: z.literal('quality'),
  environment: environmentSchema,
  records: z.array(qualityRecordSchema),
})

export type QualityRecord = z.infer<typeof qualityRecordSchema>
export type QualityFile = z.infer<typeof qualityFileSchema>

/** How the names of these files end. */
export const QUALITY = '.quality.json'

function pathOf(folder: string, environment: Environment): string {
  return join(folder, environment.machine, runName(environment) + QUALITY)
}

/**
 * The records that a run of the same day, commit and suite has written already: it may go on from them.
 *
 * @throws {RangeError} where the file does not fit the schema
 */
export async function knownQuality(folder: string, environment: Environment): Promise<readonly QualityRecord[]> {
  const path = pathOf(folder, environment)
  try {
    return parseWith(qualityFileSchema, JSON.parse(await readFile(path, 'utf8')), path).records
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/**
 * Writes `<folder>/<machine>/<date>-<commit>-<suite>.quality.json` in one step; an earlier file of the same day, commit and
 * suite is replaced.
 *
 * @returns the path
 * @throws {RangeError} where a record does not fit the schema or gives away a name; nothing is written then.
 */
export async function writeQuality(
  folder: string,
  environment: Environment,
  records: readonly QualityRecord[],
  identity?: Identity,
): Promise<string> {
  const file = parseWith(qualityFileSchema, { schema: 1, kind: 'quality', environment, records }, 'quality records')
  assertPublishable(file, identity)
  const path = pathOf(folder, environment)
  await mkdir(dirname(path), { recursive: true })
  const lines = file.records.map((record) => JSON.stringify(record))
  const head = `{"schema":1,"kind":"quality","environment":${JSON.stringify(environment)},"records":[`
  await writeFileAtomic(path, `${head}\n${lines.join(',\n')}\n]}\n`)
  return path
}
