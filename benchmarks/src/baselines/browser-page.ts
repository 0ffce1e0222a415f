import { execFile } from 'node:child_process'
import { createReadStream, existsSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import { promisify } from 'node:util'
import { type Importer, loadPackage } from './packages.ts'

/** The part of playwright-core that is used here. */
interface Playwright {
  readonly chromium: {
    launch(options: object): Promise<{ newPage(): Promise<Page>; close(): Promise<void> }>
  }
}

interface Page {
  goto(url: string): Promise<unknown>
  evaluate<Argument, Result>(
    call: (argument: Argument) => Result | Promise<Result>,
    argument: Argument,
  ): Promise<Result>
}

/** A page in a browser of its own. */
export interface BrowserPage extends Pick<Page, 'evaluate'> {
  close(): Promise<void>
}

const PATHS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run']
const TYPES: Readonly<Record<string, string>> = { '.js': 'text/javascript', '.wasm': 'application/wasm' }

/** An installed Chromium or Chrome: `NNZ_CHROMIUM`, or one in the usual places. Throws where there is none; nothing is downloaded. */
export function findChromium(): string {
  const path = process.env.NNZ_CHROMIUM || PATHS.find((candidate) => existsSync(candidate))
  if (path === undefined) throw new Error('Chromium or Chrome is not installed; NNZ_CHROMIUM names one')
  return path
}

/** What a browser says that it is: `Chromium 156.0.8078.79`. */
export async function browserVersion(path: string): Promise<string> {
  const { stdout } = await promisify(execFile)(path, ['--version'])
  return /^\D*[\d.]+/.exec(stdout)?.[0].trim() ?? 'unknown'
}

/**
 * Opens a page that is isolated, so that it may have threads; modules that it imports have run when the promise is kept.
 *
 * @param html the page
 * @param files what the page may fetch: paths on this machine by their paths in addresses
 */
export async function openPage(
  html: string,
  files: ReadonlyMap<string, string>,
  executablePath: string,
  importer: Importer,
): Promise<BrowserPage> {
  const { chromium } = await loadPackage<Playwright>('playwright-core', importer)
  const server = createServer(({ url = '/' }, response) => serve(html, files, url, response))
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  let browser: Awaited<ReturnType<Playwright['chromium']['launch']>> | undefined
  const close = async () => {
    await browser?.close()
    server.close()
  }
  try {
    browser = await chromium.launch({ executablePath, args: ARGUMENTS })
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    return { evaluate: (call, argument) => page.evaluate(call, argument), close }
  } catch (error) {
    await close()
    throw error
  }
}

function serve(html: string, files: ReadonlyMap<string, string>, url: string, response: ServerResponse): void {
  const path = files.get(url)
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
  response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
  response.setHeader('Content-Type', TYPES[extname(url)] ?? (url === '/' ? 'text/html' : 'application/octet-stream'))
  if (url === '/') response.end(html)
  else if (path === undefined) response.writeHead(404).end()
  else createReadStream(path).pipe(response)
}
