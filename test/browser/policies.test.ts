import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allRight } from '../support/kernel-packages.ts'
import { launch, noBrowser } from './chromium.ts'
import type { Api } from './page/main.ts'
import type { Settings } from './page/run.ts'
import { buildPage, isolated, removeFolders, type Served, serve } from './serve.ts'

declare const api: Api

describe.skipIf(noBrowser !== undefined)(`every package on a page${noBrowser ? `: ${noBrowser}` : ''}`, () => {
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

  /** Opens a page in a context of its own. */
  async function open(url: string): Promise<Page> {
    const page = await (await browser.newContext()).newPage()
    await page.goto(url)
    await page.waitForFunction('globalThis.api !== undefined')
    return page
  }

  it.each<[string, Settings & { where: 'page' | 'worker' }]>([
    ['one thread', { where: 'page' }],
    ['two threads', { where: 'page', threads: 2 }],
    ['two threads in a worker', { where: 'worker', threads: 2 }],
  ])('works: %s', async (_, { where, ...settings }) => {
    const page = await open(settings.threads === undefined ? plain.url : shared.url)
    const { packages, threads } = await (where === 'page'
      ? page.evaluate((given) => api.run(given), settings)
      : page.evaluate((given) => api.runInWorker(given), settings))
    expect(packages).toEqual(allRight('wasm relaxed'))
    expect(threads).toBe(settings.threads ?? 1)
    await page.context().close()
  })

  it('threads are refused, with the headers that are missing, on a page that is not isolated', async () => {
    const page = await open(plain.url)
    const error = await page.evaluate(() =>
      api.run({ threads: 2 }).then(
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
    const { packages, threads } = await page.evaluate(() => api.run({ threads: 2, ownWorkerScript: true }))
    expect({ packages, threads }).toEqual({ packages: allRight('wasm relaxed'), threads: 2 })
    await page.context().close()
    await served.close()
  })

  it('a content policy that forbids WebAssembly leaves the plain JS kernels, and says so', async () => {
    const served = await serve(folder, { 'Content-Security-Policy': "default-src 'none'; script-src 'self'" })
    const page = await open(served.url)
    const { support, packages } = await page.evaluate(() => api.run({}))
    expect(support).toMatch(/forbids compiling/)
    expect(packages).toEqual(allRight('js js'))
    await page.context().close()
    await served.close()
  })
})
