import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { wasmFeatures } from '@nnz/core'
import writeFileAtomic from 'write-file-atomic'
import { captureEnvironment, hashBytes } from '../environment/index.ts'
import type { Keep } from '../evidence/long-run.ts'
import { cacheFolder } from '../models/index.ts'
import { chosenName, type Environment } from '../records/index.ts'
import { kernelHashes } from '../runner/kernel-hashes.ts'
import { version } from '../version.ts'

/** Files in a folder, by default one of the cache. */
export async function keepIn(work: string | undefined): Promise<Keep> {
  const folder = work ?? join(cacheFolder(), 'evidence')
  await mkdir(folder, { recursive: true })
  return {
    load: (name) => readFile(join(folder, name)).catch(missing),
    save: (name, bytes) =>
      writeFileAtomic(join(folder, name), Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)),
  }
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

/** So many of them, at equal distances. */
export function spread<T>(all: readonly T[], count: number): T[] {
  if (all.length < count) throw new RangeError(`the text is too short: expected ${count} parts, got ${all.length}`)
  return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)])
}

/** Before anything is computed: a name that cannot be used should not cost minutes. */
export async function environmentOf(suite: string, machine: string): Promise<Environment> {
  const named = chosenName.safeParse(machine)
  if (!named.success)
    throw new RangeError(`--machine: ${named.error.issues[0].message}, got ${JSON.stringify(machine)}`)
  return captureEnvironment({
    machine,
    suite,
    wasm: wasmFeatures(),
    kernels: kernelHashes(hashBytes),
    peaks: [],
    packageFolder: fileURLToPath(new URL('../..', import.meta.url)),
    codeFolder: fileURLToPath(new URL('..', import.meta.url)),
    version,
  })
}
