import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../support/packages.ts'
import { run } from '../support/run.ts'
import { allSnippets } from './snippets.ts'

const cache = new URL('../.cache/docs/', import.meta.url)
const snippets = allSnippets()

beforeAll(async () => {
  await mkdir(cache, { recursive: true })
  // A snippet without imports is a module all the same.
  await Promise.all(snippets.map(({ file, code }) => writeFile(new URL(file, cache), `${code}\nexport {}\n`)))
})
afterAll(() => rm(cache, { recursive: true, force: true }))

describe('examples in documents and docstrings', () => {
  it('are found', () => {
    expect(snippets.length).toBeGreaterThan(3)
    expect(snippets.some(({ prints }) => prints !== undefined)).toBe(true)
  })

  it('compile', async () => {
    const config = new URL('tsconfig.json', cache)
    const compilerOptions = { noEmit: true, types: ['node'], noUnusedLocals: false }
    await writeFile(
      config,
      JSON.stringify({
        extends: '../../../tsconfig.base.json',
        compilerOptions,
        files: snippets.map(({ file }) => file),
      }),
    )
    await run('tsc', ['-p', fileURLToPath(config)], fileURLToPath(cache))
  })

  it.each(snippets)('$name runs and prints what it says', async ({ file, prints }) => {
    const { stdout } = await run('node', [file], fileURLToPath(cache))
    if (prints) expect(stdout.trimEnd().split('\n')).toEqual(prints)
  })

  it('examples/node prints what it says', async () => {
    const folder = new URL('examples/node/', root)
    const { stdout } = await run('node', ['pruned-layer.mjs'], fileURLToPath(folder))
    expect(stdout).toBe(await readFile(new URL('expected.txt', folder), 'utf8'))
  })
})
