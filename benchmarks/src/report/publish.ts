import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { z } from 'zod'
import { assertPublishable, type Identity, type QualityRun, type Run, readResults } from '../records/index.ts'
import { parseJsonWith } from '../records/schema.ts'
import { documentsOf, writeFiles } from './render.ts'

/** Says that a folder was published before, and which files are ours to replace. */
const MARKER = '.nnz-published.json'
const markerSchema = z.strictObject({ schema: z.literal(1), files: z.array(z.string().max(500)) })
const LICENCE = 'LICENSE'

export interface PublishOptions {
  /** Write into a folder that holds something else. */
  readonly force?: boolean
  readonly identity?: Identity
}

export interface Published {
  /** Paths inside the folder. */
  readonly files: readonly string[]
  readonly leftOut: readonly { readonly path: string; readonly reason: string }[]
}

/**
 * Writes a folder for any static host: the page, the tables, both CSV files, and the records that they link to. All links
 * are relative. What an earlier publication left there and this one does not have is removed.
 *
 * @throws {RangeError} where the target holds something that was not published, unless forced; where one of the folders lies
 * in the other; or where a record gives away a name. Nothing is written then.
 */
export async function publishReport(
  folder: string,
  target: string,
  { force = false, identity }: PublishOptions = {},
): Promise<Published> {
  assertApart(folder, target)
  const before = await publishedBefore(target)
  if (before === null && !force && (await namesIn(target)).length > 0)
    throw new RangeError(
      `--publish: ${target} is not empty and was not published before; --force writes into it all the same`,
    )
  const results = await readResults(folder)
  const { rows, quality, texts } = documentsOf(results, { contributing: false })
  const linked = new Set<Run | QualityRun>([...rows.map(({ run }) => run), ...quality.flatMap(({ runs }) => runs)])
  for (const { environment, records } of linked) assertPublishable({ environment, records }, identity)

  const copied = [...linked].map(({ path }) => path)
  if (existsSync(join(folder, LICENCE))) copied.push(LICENCE)
  const files = [...texts.keys(), ...copied, '.nojekyll'].sort()
  for (const name of before ?? []) if (!files.includes(name)) await rm(join(target, name), { force: true })
  const marker = `${JSON.stringify({ schema: 1, files }, null, 2)}\n`
  const written = new Map(
    [...texts, ['.nojekyll', ''], [MARKER, marker]].map(([name, text]) => [join(target, name), text]),
  )
  await writeFiles(written)
  for (const name of copied) {
    await mkdir(dirname(join(target, name)), { recursive: true })
    await copyFile(join(folder, name), join(target, name))
  }
  return { files, leftOut: results.leftOut }
}

/** Rendering must never write over what it reads, nor publish what it wrote before. */
function assertApart(folder: string, target: string): void {
  const [from, to] = [resolve(folder), resolve(target)]
  if (from === to || isInside(to, from) || isInside(from, to))
    throw new RangeError(`--publish: expected a folder apart from ${folder}, got ${target}`)
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && resolve(folder, way) === path
}

/** The files that were published there before; null where nothing was. */
async function publishedBefore(target: string): Promise<string[] | null> {
  const path = join(target, MARKER)
  if (!existsSync(path)) return null
  const { files } = parseJsonWith(markerSchema, await readFile(path, 'utf8'), path)
  // The list says what is removed, so it may only name what lies inside.
  const outside = files.find((name) => !isInside(resolve(target, name), resolve(target)))
  if (outside !== undefined) throw new RangeError(`${path}: ${JSON.stringify(outside)} is not inside the folder`)
  return files
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
}
