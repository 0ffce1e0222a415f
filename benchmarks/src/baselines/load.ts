import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const require = createRequire(import.meta.url)

/** A package that need not be installed, and its version. */
export interface Loaded<T> {
  readonly module: T
  readonly version: string
  /** The package's folder. */
  readonly folder: string
}

/**
 * Imports an optional package.
 *
 * @throws Error that names the package and how to install it
 */
export async function loadPackage<T>(name: string): Promise<Loaded<T>> {
  let entry: string
  try {
    entry = require.resolve(name)
  } catch {
    throw new Error(`the package ${name} is not installed: npm install ${name}`)
  }
  const folder = entry.slice(0, entry.lastIndexOf(join('node_modules', name)) + join('node_modules', name).length)
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string }
  return {
    module: (await import(pathToFileURL(entry).href)) as T,
    version,
    folder: dirname(join(folder, 'package.json')),
  }
}
