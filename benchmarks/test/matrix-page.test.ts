import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildPage } from '../browser/server/build.ts'
import { type ServedPage, servePage } from '../browser/server/serve.ts'
import { parseResultsFile, readResults } from '../src/records/index.ts'

const executablePath =
  process.env.NNZ_CHROMIUM ||
  ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path))
const missing = executablePath === undefined ? ': needs Chromium or Chrome in /usr/bin, or NNZ_CHROMIUM' : ''
/** For a person to look at; ignored by git. */
const screenshots = fileURLToPath(new URL('../.cache/screenshots/', import.meta.url))

describe.skipIf(executablePath === undefined)(`the page that measures in a browser${missing}`, () => {
  let folder = ''
  let results = ''
  let served: ServedPage
  let browser: Browser
  let axe = ''
  const problems: string[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nnz-bench-page-'))
    results = join(folder, 'results')
    await buildPage(join(folder, 'page'))
    served = await servePage(join(folder, 'page'), results, 0)
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    browser = await chromium.launch({
      executablePath: executablePath!,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
    })
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await served?.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function open(context: BrowserContext): Promise<Page> {
    const page = await context.newPage()
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
    await page.goto(served.url)
    await page.locator('#host dd').first().waitFor()
    return page
  }

  const statusOf = (page: Page) => page.locator('#status').textContent()
  const hasStatus = (page: Page, status: RegExp) =>
    expect.poll(() => statusOf(page), { timeout: 60_000 }).toMatch(status)

  /** No fault for axe, nothing beyond the edge, and a picture. */
  async function looksRight(page: Page, name: string): Promise<void> {
    await page.evaluate(axe)
    const violations = await page.evaluate(async () =>
      (await (globalThis as unknown as { axe: typeof import('axe-core') }).axe.run()).violations.map(
        ({ id, nodes }) => `${id}: ${nodes[0]?.html}`,
      ),
    )
    expect(violations).toEqual([])
    const overhang = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    )
    expect(overhang).toBe(0)
    await page.screenshot({ path: `${screenshots}${name}.png`, fullPage: true })
  }

  test('measures by keyboard, and its records fit the schema, downloaded or saved beside others', async () => {
    problems.length = 0
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
    const page = await open(context)
    await looksRight(page, 'begin')
    await page.locator('[name=machine]').focus()
    await page.keyboard.type('test-browser')
    await page.keyboard.press('Tab')
    await page.keyboard.type('smoke')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    expect(await page.getByLabel('Check every kernel').isChecked()).toBe(false)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await hasStatus(page, /^Done: \d+ records\.$/)
    expect(await page.locator('#tables tbody th').allTextContents()).toEqual(
      expect.arrayContaining([
        'auto__wasm',
        'auto__wasm (2 threads)',
        'spmm_csr_f32__wasm_relaxed_panels',
        'spmm_csr_f32__js_panels_dense',
        'onnxruntime-web (tensors=js-heap)',
        'tfjs-wasm',
      ]),
    )
    await looksRight(page, 'measured')

    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download' }).click()
    const file = await download
    const { environment, records } = parseResultsFile(await readFile(await file.path(), 'utf8'), 'download')
    expect(file.suggestedFilename()).toMatch(/^\d{4}-\d\d-\d\d-\w+-smoke\.json$/)
    expect(environment).toMatchObject({
      machine: 'test-browser',
      runtime: { name: expect.stringMatching(/chrom/), version: expect.stringMatching(/^\d+\.\d+/) },
      wasm: { simd: true, relaxed: true, threads: true },
    })
    expect(Object.keys(environment.source.kernels)).toContain('@nnz/attention')
    expect(environment.peaks.map(({ name, threads }) => `${name} ${threads}`)).toContain('wasm-relaxed 2')
    expect(records.filter(({ status }) => status !== 'passed')).toEqual([])

    await page.getByRole('button', { name: 'Save' }).click()
    await hasStatus(page, /^Wrote test-browser\/.*-smoke\.json/)
    const { runs, leftOut } = await readResults(results)
    expect(leftOut).toEqual([])
    expect(runs).toHaveLength(1)
    expect(new Set(runs[0]!.records.map(({ id }) => id))).toEqual(new Set(records.map(({ id }) => id)))

    // On the next visit it is there again.
    const phone = await open(context)
    await phone.setViewportSize({ width: 390, height: 844 })
    await phone.emulateMedia({ colorScheme: 'dark' })
    await expect.poll(() => phone.locator('#tables tbody tr').count()).toBeGreaterThan(10)
    await looksRight(phone, 'phone')
    expect(problems).toEqual([])
    await context.close()
  }, 120_000)

  test('a run that was stopped can be resumed, also on a later visit, and measures what is missing', async () => {
    const context = await browser.newContext()
    let page = await open(context)
    await page.getByLabel('Name of this machine').fill('stopped')
    await page.getByLabel('Suite').selectOption('smoke')
    await page.getByLabel('Check every kernel').uncheck()
    await page.getByLabel('Measure other runtimes').uncheck()
    await page.getByRole('button', { name: 'Start' }).click()
    await expect.poll(() => page.locator('#stage').textContent(), { timeout: 60_000 }).toMatch(/workload 1 of 1/)
    await page.getByRole('button', { name: 'Stop' }).click()
    // Times of a workload that was not measured to its end are dropped.
    await hasStatus(page, /^Stopped: 0 records\.$/)
    await page.getByRole('button', { name: 'Resume' }).click()
    await hasStatus(page, /^Done: \d+ records\.$/)
    const done = await statusOf(page)
    const before = await page.locator('#tables tbody').first().textContent()
    await page.evaluate(removeOneRecord)
    await page.close()

    page = await open(context)
    await hasStatus(page, /^\d+ records of .* are kept here: resume, or start anew/)
    expect(await page.locator('#tables tbody').first().textContent()).not.toBe(before)
    await page.getByLabel('Measure other runtimes').uncheck()
    await page.getByRole('button', { name: 'Resume' }).click()
    await expect.poll(() => statusOf(page), { timeout: 60_000 }).toBe(done)
    await context.close()
  }, 120_000)

  test('kernels are checked first, and the check can be stopped', async () => {
    problems.length = 0
    const context = await browser.newContext({ viewport: { width: 1000, height: 800 } })
    const page = await open(context)
    await page.getByLabel('Name of this machine').fill('checked')
    await page.getByRole('button', { name: 'Start' }).click()
    const cell = page.locator('#outcomes tbody td').first()
    await expect.poll(() => cell.textContent(), { timeout: 60_000 }).toMatch(/^\d+ passed$/)
    expect(await page.locator('#outcomes tbody th').first().textContent()).toBe('@nnz/core')
    await looksRight(page, 'checking')
    await page.getByRole('button', { name: 'Stop' }).click()
    await hasStatus(page, /^Stopped: 0 records\.$/)
    expect(problems).toEqual([])
    await context.close()
  }, 120_000)

  test('a name that cannot be a folder is refused before anything runs', async () => {
    const context = await browser.newContext()
    const page = await open(context)
    await page.getByLabel('Name of this machine').fill('../Mine')
    await page.getByRole('button', { name: 'Start' }).click()
    expect(await page.locator('[name=machine]:invalid').count()).toBe(1)
    expect(await statusOf(page)).toBe('')
    await context.close()
  })

  test.each<[string, number, Record<string, string>]>([
    ['of another site', 403, { 'Sec-Fetch-Site': 'cross-site', 'Content-Type': 'application/json' }],
    ['of no page', 403, { 'Content-Type': 'application/json' }],
    ['of another kind', 415, { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'text/plain' }],
    ['that fit no schema', 400, { 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/json' }],
  ])('the server takes no records %s', async (_, status, headers) => {
    const body = JSON.stringify({ schema: 1, environment: {}, records: [] })
    const answer = await fetch(new URL('results', served.url), { method: 'POST', headers, body })
    expect(answer.status).toBe(status)
  })
})

/** Makes the run that lies in the browser one that ended a record earlier. */
function removeOneRecord(): Promise<void> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('nnz-bench')
    opening.onerror = () => reject(opening.error)
    opening.onsuccess = () => {
      const transaction = opening.result.transaction('run', 'readwrite')
      const store = transaction.objectStore('run')
      const keys = store.getAllKeys()
      keys.onsuccess = () => store.delete(keys.result.find((key) => key !== 'environment')!)
      transaction.oncomplete = () => {
        opening.result.close()
        resolve()
      }
    }
  })
}
