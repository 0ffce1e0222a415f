import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { root } from '../support/packages.ts'

interface Locked {
  version?: string
  resolved?: string
  link?: boolean
  optionalDependencies?: Record<string, string>
}

const text = await readFile(new URL('package-lock.json', root), 'utf8')
const packages: Record<string, Locked> = JSON.parse(text).packages

/** Whether `name`, asked for by the package at `path`, has an entry: beside it, or in a folder above. */
function found(path: string, name: string): boolean {
  for (let folder = path; ; folder = folder.slice(0, folder.lastIndexOf('/node_modules/'))) {
    if (packages[`${folder}${folder === '' ? '' : '/'}node_modules/${name}`]?.version) return true
    if (!folder.includes('/node_modules/')) return packages[`node_modules/${name}`]?.version !== undefined
  }
}

describe('the lockfile', () => {
  it('knows the optional packages of every platform: without them npm ci refuses it', () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !found(path, name))
        .map((name) => `${name} of ${path}`),
    )
    expect(missing).toEqual([])
  })

  it('holds no addresses of downloads', () => {
    const addresses = Object.values(packages).filter(({ link, resolved }) => !link && resolved)
    expect(addresses).toEqual([])
  })
})
