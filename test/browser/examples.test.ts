import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launch, noBrowser } from './chromium.ts'
import { buildPage, removeFolders, type Served, serve } from './serve.ts'

describe.skipIf(noBrowser !== undefined)(`examples in Chromium${noBrowser ? `: ${noBrowser}` : ''}`, () => {
  let browser: Browser
  const served: Served[] = []
  const folders: string[] = []

  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(async () => {
    await browser?.close()
    await Promise.all(served.map((server) => server.close()))
    await removeFolders(folders)
  })

  async function open(example: string, width: number): Promise<{ page: Page; problems: string[] }> {
    const source = new URL(`../../examples/${example}/`, import.meta.url)
    const folder = await buildPage(source)
    folders.push(folder)
    // With the example's own configuration, so that its headers are what is tested.
    const server = await serve(folder, {}, source)
    served.push(server)
    const page = await browser.newPage({ viewport: { width, height: 800 } })
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
    await page.goto(server.url)
    return { page, problems }
  }

  /** For a person to look at: NNZ_SCREENSHOTS names a folder. */
  async function screenshot(page: Page, name: string): Promise<void> {
    const folder = process.env.NNZ_SCREENSHOTS
    if (folder) await page.screenshot({ path: `${folder}/${name}.png` })
  }

  it.each([1100, 390])('the Vite page multiplies and shows kernel and times, %i pixels wide', async (width) => {
    const { page, problems } = await open('vite', width)
    const sparsity = page.getByLabel('Sparsity')
    const rows = page.locator('tbody tr')
    for (const [count, value] of [90, 5].entries()) {
      await sparsity.fill(String(value))
      await page.getByRole('button', { name: 'Multiply' }).click()
      await expect.poll(() => rows.count()).toBe(count + 1)
      const cells = await rows.first().locator('td').allTextContents()
      expect(cells[0]).toBe(`${value} %`)
      for (const time of cells.slice(1, 3)) expect(time).toMatch(/^\d+\.\d\d ms$/)
      expect(cells[3]).toMatch(/^spmm_csr_f32__wasm_/)
    }
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    expect(problems).toEqual([])
    await screenshot(page, `vite-${width}`)
    await page.close()
  })

  it('the worker page multiplies on several threads', async () => {
    const { page, problems } = await open('worker', 800)
    await page.getByRole('button', { name: 'Multiply' }).click()
    const status = page.getByRole('status')
    await expect.poll(() => status.textContent(), { timeout: 20_000 }).toMatch(/^[2-4] threads, median \d+\.\d\d ms\n/)
    expect(await status.textContent()).toMatch(/linear on wasm|spmm on wasm/)
    expect(problems).toEqual([])
    await screenshot(page, 'worker')
    await page.close()
  })
})
