import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { publicPackages, root } from '../support/packages.ts'
import { run } from '../support/run.ts'

const documents = [
  'docs/guide.md',
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...publicPackages.map(({ url }) => `${url.href.slice(root.href.length)}README.md`),
  ...readdirSync(new URL('results/', root))
    .filter((name) => name === 'CONTRIBUTING.md')
    .map((name) => `results/${name}`),
]

describe('documents', () => {
  it('have tables of kernels that show the rows there are (npm run tables writes them)', async () => {
    await run('node', ['scripts/kernel-tables.mjs', '--check'], fileURLToPath(root))
  })

  it.each(documents)('%s links to files that exist', (path) => {
    const text = readFileSync(new URL(path, root), 'utf8')
    const targets = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, target]) => target)
    // Rendered by a run of the matrix.
    const missing = targets.filter((target) => !existsSync(new URL(target, new URL(path, root))))
    expect(missing.filter((target) => !/results\/(README\.md|index\.html)$/.test(target))).toEqual([])
  })

  it.each(documents)('%s names npm scripts that exist', (path) => {
    const text = readFileSync(new URL(path, root), 'utf8')
    const { scripts } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
    const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name)
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([])
  })
})
