import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { allRight } from '../support/kernel-packages.ts'
import { run } from '../support/run.ts'

const here = new URL('node_modules/', import.meta.url)
const programs = fileURLToPath(new URL('../programs/', import.meta.url))

describe.each([
  ['Deno', '@deno/linux-x64-glibc/deno', ['run', '--allow-read', '--allow-env']],
  ['Bun', '@oven/bun-linux-x64/bin/bun', ['run']],
] as const)('%s', (_, path, flags) => {
  const binary = new URL(path, here)
  const missing = existsSync(binary) ? undefined : 'needs "npm ci" in test/runtimes, on Linux x64'

  it.skipIf(missing).each([1, 2])(
    `runs every package on %i threads${missing ? `: ${missing}` : ''}`,
    async (threads) => {
      const { stdout } = await run(fileURLToPath(binary), [...flags, 'print.js', String(threads)], programs)
      expect(JSON.parse(stdout)).toMatchObject({ threads, packages: allRight('wasm relaxed') })
    },
  )
})
