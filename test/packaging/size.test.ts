import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'
import { afterAll, describe, expect, it } from 'vitest'
import { BUDGETS } from './budgets.ts'

const cache = new URL('../.cache/size/', import.meta.url)

/** Gzipped bytes of a program, bundled and minified as for a page. */
async function bundledBytes(source: string): Promise<number> {
  await mkdir(cache, { recursive: true })
  const entry = new URL('entry.js', cache)
  await writeFile(entry, source)
  const result = (await build({
    root: fileURLToPath(cache),
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      modulePreload: false,
      rolldownOptions: { input: fileURLToPath(entry) },
    },
  })) as Rolldown.RolldownOutput
  return result.output.reduce(
    (bytes, file) => bytes + gzipSync(file.type === 'chunk' ? file.code : file.source, { level: 9 }).length,
    0,
  )
}

afterAll(() => rm(cache, { recursive: true, force: true }))

/** Kernels may grow by so much before the figures have to be looked at again. */
const TOLERANCE = 1.05

describe('gzipped size', () => {
  it.each(BUDGETS)('$name stays within 5 % of $kilobytes kB', async ({ name, source, kilobytes }) => {
    const size = (await bundledBytes(source)) / 1000
    console.log(`${name}: ${size.toFixed(1)} kB, stated ${kilobytes}`)
    expect(size).toBeLessThanOrEqual(kilobytes * TOLERANCE)
    // A figure far above the size no longer guards anything, and a tiny size would mean that nothing was bundled.
    expect(size).toBeGreaterThan(kilobytes / 2)
  })

  it.each(BUDGETS.filter(({ statedFor }) => statedFor))('the README states that of $statedFor', async (budget) => {
    const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
    const row = readme.split('\n').find((line) => line.startsWith(`| [${budget.statedFor}]`))
    expect(row).toContain(`| ${budget.kilobytes} kB`)
  })
})
