import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { commitOf, hashBytes, hashFolder } from '../../src/environment/index.ts'
import { kernelHashes } from '../../src/runner/kernel-hashes.ts'
import { version } from '../../src/version.ts'
import type { Source } from '../matrix/environment.ts'
import { hostModules, keptTests } from './host-modules.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const packageFolder = fileURLToPath(new URL('../..', import.meta.url))
const { resolve } = createRequire(import.meta.url)

/** What baselines load by themselves: folders on the page, and files beside a package's entry. */
const ASSETS: readonly (readonly [folder: string, entry: string, files: readonly string[]])[] = [
  ['onnxruntime-web', 'onnxruntime-web/wasm', ['ort.wasm.bundle.min.mjs', 'ort-wasm-simd-threaded.wasm']],
  [
    'tfjs-backend-wasm',
    '@tensorflow/tfjs-backend-wasm',
    ['tfjs-backend-wasm.wasm', 'tfjs-backend-wasm-simd.wasm', 'tfjs-backend-wasm-threaded-simd.wasm'],
  ],
]

/** Builds the page into a folder, with what only its builder knows of the code. */
export async function buildPage(outDir: string): Promise<void> {
  await build({
    root,
    base: './',
    configFile: false,
    logLevel: 'warn',
    define: {
      NNZ_VERSION: JSON.stringify(version),
      // Tests ask for variables of the environment; their worker sets them.
      'process.env': 'globalThis.process.env',
    },
    resolve: { alias: { vitest: fileURLToPath(new URL('../conformance/test-api.ts', import.meta.url)) } },
    plugins: [hostModules()],
    worker: {
      format: 'es',
      plugins: () => [hostModules(), keptTests()],
      // What tests share must not lie in the script of one of them: it would be run with the others.
      rolldownOptions: {
        checks: { pluginTimings: false },
        output: { codeSplitting: { groups: [{ name: 'tested', test: /\/(?:packages|test)\/(?!.*\.test\.ts$)/ }] } },
      },
    },
    build: {
      rolldownOptions: { checks: { pluginTimings: false } },
      outDir,
      emptyOutDir: true,
      target: 'es2023',
      chunkSizeWarningLimit: 3000,
    },
  })
  for (const [folder, entry, files] of ASSETS) await copyAssets(join(outDir, 'baselines', folder), entry, files)
  await writeFile(join(outDir, 'source.json'), JSON.stringify(await sourceOf(outDir)))
}

/** A baseline whose package is not installed is a row that says so. */
async function copyAssets(target: string, entry: string, files: readonly string[]): Promise<void> {
  let from: string
  try {
    from = dirname(resolve(entry))
  } catch {
    return
  }
  await mkdir(target, { recursive: true })
  for (const file of files) await copyFile(join(from, file), join(target, file))
}

async function sourceOf(outDir: string): Promise<Source> {
  const commit = await commitOf(packageFolder)
  return { ...commit, version, bench: await hashFolder(outDir), kernels: kernelHashes(hashBytes) }
}
