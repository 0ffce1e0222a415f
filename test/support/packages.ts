import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The repository. */
export const root = new URL('../../', import.meta.url)

/** What tests need of a package.json. */
export interface Manifest {
  name: string
  version: string
  private?: boolean
  type?: string
  sideEffects?: unknown
  license?: string
  exports: Record<string, unknown>
  bin?: Record<string, string>
  dependencies?: Record<string, string>
}

/** A package of this repository that is published. */
export interface PublicPackage {
  readonly folder: string
  readonly url: URL
  readonly manifest: Manifest
  /** Under packages/: kernels and core, not the harness. */
  readonly library: boolean
}

/** Every public package, found by looking: a new folder under packages/ is tested without being named here. */
export const publicPackages: readonly PublicPackage[] = [
  ...readdirSync(new URL('packages/', root)).map((name) => `packages/${name}/`),
  'benchmarks/',
]
  .map((path) => {
    const url = new URL(path, root)
    const manifest: Manifest = JSON.parse(readFileSync(new URL('package.json', url), 'utf8'))
    return { folder: fileURLToPath(url), url, manifest, library: path.startsWith('packages/') }
  })
  .filter(({ manifest }) => !manifest.private)

/** Those under packages/. */
export const libraries = publicPackages.filter(({ library }) => library)
