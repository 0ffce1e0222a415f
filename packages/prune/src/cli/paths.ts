import type { Stats } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** What lies at a path, if anything does. */
export async function existing(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The path of a file that need not exist, links in its folder resolved. */
async function real(path: string): Promise<string> {
  if (await existing(path)) return realpath(path)
  return join(await realpath(dirname(path)), basename(path))
}

/**
 * Checks that files can be written without loss.
 *
 * @throws RangeError if one is the input or another of them, or exists and is not to be replaced
 */
export async function expectWritable(input: string, outputs: readonly string[], force: boolean): Promise<void> {
  const taken = new Set([await realpath(input)])
  for (const path of outputs) {
    const folder = await existing(dirname(path))
    if (!folder?.isDirectory()) throw new RangeError(`${path}: there is no folder ${dirname(path)}`)
    const resolved = await real(path)
    if (taken.has(resolved)) throw new RangeError(`${path}: would be written over the input or another output`)
    taken.add(resolved)
    if (!force && (await existing(path))) throw new RangeError(`${path}: exists already; --force replaces it`)
  }
}
