import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as esbuild from 'esbuild'
import { build as viteBuild } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import webpack from 'webpack'
import { launch, noBrowser } from '../browser/chromium.ts'
import { serve } from '../browser/serve.ts'
import { allRight } from '../support/kernel-packages.ts'
import { run } from '../support/run.ts'

const programs = fileURLToPath(new URL('../programs/', import.meta.url))

/** Bundles a program as for production, with no setting but its kind. Writes `main.js`. */
type Bundler = (entry: string, folder: string, target: 'browser' | 'node') => Promise<unknown>

const BUNDLERS: Record<string, Bundler> = {
  vite: (entry, outDir, target) =>
    viteBuild({
      root: programs,
      configFile: false,
      logLevel: 'warn',
      build: {
        outDir,
        emptyOutDir: false,
        chunkSizeWarningLimit: 1000,
        ...(target === 'node' && { ssr: true }),
        rolldownOptions: { input: entry, output: { entryFileNames: 'main.js' } },
      },
      ...(target === 'node' && { ssr: { noExternal: true } }),
    }),
  esbuild: (entry, folder, target) =>
    esbuild.build({
      entryPoints: [entry],
      outfile: join(folder, 'main.js'),
      bundle: true,
      minify: true,
      format: 'esm',
      platform: target,
      logLevel: 'warning',
    }),
  webpack: (entry, path, target) =>
    new Promise((resolve, reject) => {
      webpack(
        {
          entry,
          mode: 'production',
          target: target === 'node' ? 'node' : 'web',
          performance: { hints: false },
          // It takes seconds, and would find nothing more in Node.js.
          optimization: { minimize: target === 'browser' },
          experiments: { outputModule: true },
          output: { path, filename: 'main.js', module: true },
        },
        (error, stats) => {
          if (error ?? stats?.hasErrors()) reject(error ?? new Error(stats!.toString('errors-only')))
          else resolve(stats)
        },
      )
    }),
}

describe.each(Object.entries(BUNDLERS))('%s', (_, bundle) => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nnz-bundle-'))
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    await writeFile(
      join(folder, 'index.html'),
      '<!doctype html><title>bundle</title><script type="module" src="main.js"></script>',
    )
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('bundles every package for Node.js, threads included', async () => {
    await bundle(join(programs, 'print.js'), folder, 'node')
    const { stdout } = await run('node', ['main.js', '2'], folder)
    expect(JSON.parse(stdout)).toMatchObject({ threads: 2, packages: allRight('wasm relaxed') })
  })

  it.skipIf(noBrowser !== undefined)(
    `bundles every package for a page${noBrowser ? `: ${noBrowser}` : ''}`,
    async () => {
      await bundle(join(programs, 'page.js'), folder, 'browser')
      const served = await serve(folder)
      const browser = await launch()
      try {
        const page = await browser.newPage()
        await page.goto(served.url)
        const findings = await page.waitForFunction('globalThis.findings')
        expect(await findings.jsonValue()).toMatchObject({ support: true, packages: allRight('wasm relaxed') })
      } finally {
        await browser.close()
        await served.close()
      }
    },
  )
})
