import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { browserVersion, findChromium, openPage } from '../src/baselines/browser-page.ts'
import { importPackage } from '../src/baselines/packages.ts'
import { wllamaBaseline } from '../src/baselines/wllama.ts'

function installed(): string | undefined {
  try {
    return findChromium()
  } catch {
    return undefined
  }
}

const chromium = installed()

describe.skipIf(chromium === undefined)('a page for baselines', () => {
  it('runs modules, fetches the files that were named and no others, and is isolated', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nnz-bench-'))
    await writeFile(join(folder, 'six.js'), 'export const six = 6')
    const html = `<!doctype html><script type="module">import { six } from '/six.js'; globalThis.answer = 7 * six</script>`
    const page = await openPage(html, new Map([['/six.js', join(folder, 'six.js')]]), chromium!, importPackage)
    try {
      const seen = await page.evaluate(
        async (path) => ({
          answer: (globalThis as unknown as { answer: number }).answer,
          isolated: crossOriginIsolated,
          other: (await fetch(path)).status,
        }),
        '/../package.json',
      )
      expect(seen).toEqual({ answer: 42, isolated: true, other: 404 })
    } finally {
      await page.close()
      await rm(folder, { recursive: true })
    }
  })

  it('has a version', async () => {
    expect(await browserVersion(chromium!)).toMatch(/^\w[\w ]* \d+\.\d+/)
  })
})

describe('wllama', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  it('says what is missing', async () => {
    const absent = Object.assign(new Error('not found'), { code: 'ERR_MODULE_NOT_FOUND' })
    await expect(wllamaBaseline(() => Promise.reject(absent)).open([1])).rejects.toThrow(
      'playwright-core is not installed: npm install playwright-core',
    )
    vi.stubEnv('NNZ_CHROMIUM', '/no/such/browser')
    await expect(wllamaBaseline(async () => ({})).open([1])).rejects.toThrow('/no/such/browser')
  })
})
