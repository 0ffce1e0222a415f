import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { renderReport } from '../src/report/index.ts'
import { makeRecords, writeJudgements, writeRun } from './report-fixture.ts'

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
)
const missing = executablePath === undefined ? ': needs Chromium or Chrome in /usr/bin' : ''

describe.skipIf(executablePath === undefined)(`the page in a browser${missing}`, () => {
  let folder = ''
  let browser: Browser
  let axe = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nnz-page-'))
    await writeRun(folder)
    await writeRun(folder, { machine: 'second', processes: 5, columns: [64], date: '2026-11-01T10:00:00.000Z' })
    await writeJudgements(folder)
    await renderReport(folder)
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
    })
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    await rm(folder, { recursive: true })
  })

  async function open(
    options: { width?: number; colorScheme?: 'light' | 'dark'; hash?: string } = {},
  ): Promise<{ page: Page; problems: string[] }> {
    const { width = 1280, colorScheme = 'light', hash = '' } = options
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme })
    const page = await context.newPage()
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
    page.on('request', (request) => request.url().startsWith('file:') || problems.push(`asked for ${request.url()}`))
    await page.goto(pathToFileURL(join(folder, 'index.html')).href + hash)
    await page.locator('tbody tr').first().waitFor()
    return { page, problems }
  }

  test.each([
    [1280, 'light'],
    [1280, 'dark'],
    [390, 'light'],
    [390, 'dark'],
  ] as const)('at %i pixels, %s: draws, fits, asks for nothing and passes axe', async (width, colorScheme) => {
    const { page, problems } = await open({ width, colorScheme })
    expect(await page.locator('.plot canvas').count()).toBe(5)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    await page.evaluate(axe)
    const check = () =>
      page.evaluate(async () =>
        (await (globalThis as unknown as { axe: typeof import('axe-core') }).axe.run()).violations.map(({ id }) => id),
      )
    expect(await check()).toEqual([])
    await page.locator('tbody th button').first().click()
    expect(await check()).toEqual([])
    expect(problems).toEqual([])
    await page.context().close()
  })

  test('quality stands against speed with the front and intervals; other axes, models and patterns can be chosen', async () => {
    const { page, problems } = await open()
    const models = page.locator('#models')
    const line = (name: string) => models.locator('tbody tr', { hasText: name }).first()
    const front = async () =>
      (await models.locator('tbody tr').allTextContents()).filter((text) => text.includes('yes')).length
    expect(await line('dense').textContent()).toBe('dense0 %yes86.00 (85.00 to 87.50)100.042.00')
    expect(await front()).toBe(3)
    expect(await line('sparsegpt 2:4').textContent()).not.toContain('yes')
    await page.getByLabel('Against (across)').selectOption('MB of weights')
    await expect.poll(() => new URL(page.url()).hash).toContain('x=MB+of+weights')
    await models.getByRole('checkbox', { name: 'sparsegpt unstructured' }).press('Space')
    await expect.poll(() => line('magnitude unstructured70 %').textContent()).toContain('yes')
    const { hash } = new URL(page.url())
    const again = await open({ hash })
    expect(await again.page.getByLabel('Against (across)').inputValue()).toBe('MB of weights')
    await page.locator('select[name="models-pattern"]').selectOption('2:4')
    await expect.poll(() => models.locator('tbody tr').count()).toBe(2)
    await page.getByLabel('Model and data').selectOption({ index: 1 })
    await page.getByLabel('Quality (up)').selectOption('relative error')
    await expect.poll(() => models.locator('tbody tr').last().textContent()).toBe('wanda90 %yes0.2790–')
    expect(problems).toEqual([])
    await page.context().close()
    await again.page.context().close()
  })

  test('points of quality lead to their records by keyboard, and means to the records behind them', async () => {
    const { page } = await open()
    const plot = page.locator('#models .plot')
    await plot.focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    const dialog = page.locator('dialog[open]')
    expect(await dialog.textContent()).toMatch(/fixture-encoder, magnitude unstructured, \d+ %.*Imaginary Core 9000/s)
    expect(await dialog.getByRole('link').getAttribute('href')).toMatch(/^fixture-laptop\/.*-evidence\.quality\.json$/)
    await page.keyboard.press('Escape')
    await page.getByLabel('Model and data').selectOption({ index: 1 })
    await page.getByLabel('Quality (up)').selectOption('relative error')
    await page.locator('#models tbody tr', { hasText: 'wanda90 %' }).getByRole('button').click()
    expect(await dialog.locator('tbody tr').allTextContents()).toEqual(['layer00.2700–', 'layer10.2880–'])
    await page.context().close()
  })

  test('machines stand side by side, and the worst row of each leads to its record', async () => {
    const { page } = await open()
    const side = page.locator('#hardware')
    expect(await side.locator('thead th').allTextContents()).toEqual(['kernel', ' fixture-laptop', ' second'])
    await side
      .getByRole('button', { name: /^worst row.* on second$/ })
      .first()
      .click()
    expect(await page.locator('dialog[open]').textContent()).toContain('second/')
    await page.context().close()
  })

  test('the keyboard moves between marks, opens a record with its environment and command, and closes it', async () => {
    const { page } = await open()
    await page.locator('.plot').first().focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowDown')
    expect(await page.locator('.chart [aria-live]').first().textContent()).toMatch(
      /^\S+, \S+, times as fast as dense: \S+, sparsity: \d+ %$/,
    )
    await page.keyboard.press('Enter')
    const dialog = page.locator('dialog[open]')
    expect(await dialog.textContent()).toMatch(
      /npx @nnz\/bench run --suite quick --operations spmm --workloads .*Imaginary Core 9000/,
    )
    await page.keyboard.press('Escape')
    expect(await dialog.count()).toBe(0)
    await page.context().close()
  })

  test('a click on a mark opens its record', async () => {
    const { page } = await open()
    const box = (await page.locator('.plot').first().boundingBox())!
    const dialog = page.locator('dialog[open]')
    // Marks stand on columns of sparsity; some place in the column at 90 % has one.
    for (let y = 0.1; y < 0.8 && (await dialog.count()) === 0; y += 0.05) {
      await page.mouse.click(box.x + 56 + (box.width - 70) * (92 / 104), box.y + box.height * y)
    }
    expect(await dialog.textContent()).toContain('90 %')
    await page.context().close()
  })

  test('filters narrow the table, stand in the address, and come back from it', async () => {
    const { page } = await open()
    const position = page.getByRole('status')
    expect(await position.textContent()).toBe(`1 to 50 of ${makeRecords().length}`)
    await page.getByLabel('N (columns)').selectOption('16')
    await page.getByLabel('Sparsity from %').fill('90')
    await expect.poll(() => position.textContent()).toBe('1 to 50 of 88')
    await page.getByRole('checkbox', { name: 'mathjs' }).press('Space')
    await expect.poll(() => position.textContent()).toBe('1 to 50 of 80')
    expect(await page.evaluate(() => document.activeElement?.getAttribute('name'))).toBe('mathjs')
    const { hash } = new URL(page.url())
    const again = await open({ hash })
    expect(await again.page.getByRole('status').textContent()).toBe('1 to 50 of 80')
    await page.locator('select[name="machine"]').selectOption('second')
    await expect.poll(() => page.getByLabel('N (columns)').inputValue()).toBe('')
    await page.context().close()
    await again.page.context().close()
  })

  test('a click on a head sorts, a second one the other way', async () => {
    const { page } = await open()
    const table = page.locator('section:has(> #records) table')
    const cell = async () =>
      Number.parseFloat((await table.locator('tbody tr').first().locator('td').nth(3).textContent()) ?? '')
    await table.getByRole('button', { name: 'ms', exact: true }).click()
    const least = await cell()
    await table.getByRole('button', { name: 'ms', exact: true }).click()
    expect(await cell()).toBeGreaterThan(least)
    expect(await table.locator('th[aria-sort="descending"]').textContent()).toBe('ms')
    await page.context().close()
  })
})
