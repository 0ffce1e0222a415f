import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { publicPackages, root } from '../support/packages.ts'
import { run } from '../support/run.ts'
import { pack } from './pack.ts'

/** What libraries depend on that is not of this repository: kernels on nothing. */
const OUTSIDE: Readonly<Record<string, readonly string[]>> = {
  '@nnz/formats': ['@bufbuild/protobuf', 'fflate'],
  // Tokenisers of published models, descriptions in files, numbers drawn alike everywhere.
  '@nnz/models': ['@huggingface/tokenizers', 'pure-rand', 'zod'],
  // For its command alone.
  '@nnz/prune': ['cli-progress', 'commander', 'picomatch', 'write-file-atomic'],
}

const licence = await readFile(new URL('LICENSE', root), 'utf8')

describe.each(publicPackages.map((entry) => [entry.manifest.name, entry] as const))('%s', (name, entry) => {
  const { folder, url, manifest, library } = entry

  it('passes publint', async () => {
    await run('publint', ['--strict', folder], folder)
  })

  it('passes attw as an ESM package', async () => {
    const { file } = await pack(entry)
    // The harness is a command: it has no entry to import.
    const exclude = manifest.exports['.'] === undefined ? ['--exclude-entrypoints', '.'] : []
    await run('attw', [file, '--profile', 'esm-only', ...exclude], folder)
  })

  it('packs what users need and nothing else', async () => {
    const { files } = await pack(entry)
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'CHANGELOG.md', 'package.json']))
    const strangers = files.filter(
      (path) => !/^(dist|bin)\/|^(LICENSE|README\.md|CHANGELOG\.md|package\.json)$/.test(path),
    )
    expect(strangers).toEqual([])
    expect(files.filter((path) => /\.map$|\.test\.|^dist\/test\//.test(path))).toEqual([])
    expect(await readFile(new URL('LICENSE', url), 'utf8')).toBe(licence)
  })

  it('is ESM, and as a library free of side effects', () => {
    expect(manifest.type).toBe('module')
    expect(manifest.license).toBe('Apache-2.0')
    if (library) expect(manifest.sideEffects).toBe(false)
  })

  it('depends on its siblings in lockstep, and as a library on little else, in versions that are fixed', () => {
    const own = new Map(publicPackages.map((other) => [other.manifest.name, other.manifest.version]))
    const dependencies = Object.entries(manifest.dependencies ?? {})
    for (const [dependency, version] of dependencies.filter(([dependency]) => own.has(dependency)))
      expect(`${dependency} ${version}`).toBe(`${dependency} ${own.get(dependency)}`)
    const others = dependencies.filter(([dependency]) => !own.has(dependency))
    if (library) expect(others.map(([dependency]) => dependency)).toEqual(OUTSIDE[name] ?? [])
    expect(others.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([])
    expect(name).toMatch(/^@nnz\//)
  })
})
