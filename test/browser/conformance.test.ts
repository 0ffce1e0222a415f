import { runsOn } from '@nnz/core'
import { kernels } from '@nnz/spmm'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launch, noBrowser } from './chromium.ts'
import type { Settings } from './page/check.ts'
import type { Api } from './page/main.ts'
import { buildPage, isolated, removeFolders, type Served, serve } from './serve.ts'

declare const api: Api

/** Rows that a variant has to run, whatever the backend's threads. */
function rowsOf(name: string, variant: string): string[] {
  return kernels.filter((kernel) => runsOn(kernel, { name, variant, threads: 1 })).map((kernel) => kernel.name)
}

describe.skipIf(noBrowser !== undefined)(`kernels in Chromium${noBrowser ? `: ${noBrowser}` : ''}`, () => {
  let folder = ''
  let plain: Served
  let shared: Served
  let browser: Browser

  beforeAll(async () => {
    folder = await buildPage(new URL('page/', import.meta.url))
    plain = await serve(folder)
    shared = await serve(folder, isolated)
    browser = await launch()
  })
  afterAll(async () => {
    await browser?.close()
    await plain?.close()
    await shared?.close()
    await removeFolders([folder])
  })

  /** Opens a page in a context of its own and fails on anything that it complains of. */
  async function open(url: string): Promise<Page> {
    const page = await (await browser.newContext()).newPage()
    await page.goto(url)
    await page.waitForFunction('globalThis.api !== undefined')
    return page
  }

  it.each<[string, Settings & { where: 'page' | 'worker'; variant: string; isolated: boolean }]>([
    ['relaxed SIMD', { wasm: 'relaxed', threads: 1, where: 'page', variant: 'relaxed', isolated: false }],
    ['base SIMD', { wasm: 'base', threads: 1, where: 'page', variant: 'simd', isolated: false }],
    ['plain JS', { wasm: 'off', threads: 1, where: 'page', variant: 'js', isolated: false }],
    ['two threads', { wasm: 'relaxed', threads: 2, where: 'page', variant: 'relaxed', isolated: true }],
    ['two threads, base SIMD', { wasm: 'base', threads: 2, where: 'page', variant: 'simd', isolated: true }],
    ['two threads in a worker', { wasm: 'relaxed', threads: 2, where: 'worker', variant: 'relaxed', isolated: true }],
  ])('every row is right: %s', async (_, { where, variant, isolated: needsIsolation, ...settings }) => {
    const page = await open(needsIsolation ? shared.url : plain.url)
    const findings = await (where === 'page'
      ? page.evaluate((given) => api.check(given), settings)
      : page.evaluate((given) => api.checkInWorker(given), settings))
    expect(findings.failures).toEqual([])
    expect(findings.features.threads).toBe(needsIsolation)
    const name = settings.wasm === 'off' ? 'js' : 'wasm'
    expect(findings.backend).toEqual({ name, variant, threads: settings.threads })
    expect(Object.keys(findings.rows)).toEqual(rowsOf(name, variant))
    const [fewest] = Object.values(findings.rows).sort((a, b) => a - b)
    expect(fewest).toBeGreaterThan(10)
    await page.context().close()
  })

  it('threads are refused, with the headers that are missing, on a page that is not isolated', async () => {
    const page = await open(plain.url)
    const error = await page.evaluate(() =>
      api.check({ wasm: 'relaxed', threads: 2 }).then(
        () => 'none',
        (reason: Error) => `${reason.name}: ${reason.message}`,
      ),
    )
    expect(error).toMatch(/^BackendUnavailableError: .*Cross-Origin-Opener-Policy.*Cross-Origin-Embedder-Policy/)
    await page.context().close()
  })

  it('a content policy that allows WebAssembly and own scripts is enough, threads included', async () => {
    const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'"
    const served = await serve(folder, { ...isolated, 'Content-Security-Policy': policy })
    const page = await open(served.url)
    const { backend, failures } = await page.evaluate(() =>
      api.check({ wasm: 'relaxed', threads: 2, ownWorkerScript: true }),
    )
    expect({ backend, failures }).toEqual({ backend: { name: 'wasm', variant: 'relaxed', threads: 2 }, failures: [] })
    await page.context().close()
    await served.close()
  })

  it('a content policy that forbids WebAssembly leaves the plain JS kernels, and says so', async () => {
    const served = await serve(folder, { 'Content-Security-Policy': "default-src 'none'; script-src 'self'" })
    const page = await open(served.url)
    const { support, backend, y } = await page.evaluate(() => api.call())
    expect(support).toMatch(/forbids compiling/)
    expect({ backend, y }).toEqual({ backend: 'js', y: [10, 21] })
    await page.context().close()
    await served.close()
  })
})
