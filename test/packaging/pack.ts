import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PublicPackage } from '../support/packages.ts'
import { run } from '../support/run.ts'

/** A packed package. */
export interface Packed {
  /** The tarball. */
  readonly file: string
  /** Paths inside the package. */
  readonly files: readonly string[]
}

const target = mkdtempSync(join(tmpdir(), 'nnz-packed-'))
const packed = new Map<string, Promise<Packed>>()

async function packOnce({ folder }: PublicPackage): Promise<Packed> {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', target], folder)
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }]
  return { file: join(target, filename), files: files.map(({ path }) => path) }
}

/** Packs a package as publishing would, once for each test file. */
export function pack(entry: PublicPackage): Promise<Packed> {
  const { name } = entry.manifest
  const known = packed.get(name) ?? packOnce(entry)
  packed.set(name, known)
  return known
}

/** Where tarballs lie: remove it after the tests. */
export const packFolder = target
