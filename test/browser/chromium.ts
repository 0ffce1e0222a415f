import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** An installed Chromium: NNZ_CHROMIUM, or one in the usual places. Nothing is ever downloaded. */
export const executablePath = process.env.NNZ_CHROMIUM || PATHS.find((path) => existsSync(path))

/** Why browser tests cannot run here; undefined if they can. */
export const noBrowser =
  executablePath === undefined ? `needs Chromium or Chrome: ${PATHS.join(', ')} or NNZ_CHROMIUM` : undefined

/** Without a sandbox, which containers refuse, and without traffic of its own. */
export const launchArguments = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run']

/** Starts the browser, headless. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: executablePath!,
    args: launchArguments,
  })
}
