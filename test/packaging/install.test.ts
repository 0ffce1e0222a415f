import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allRight, kernelPackages } from '../support/kernel-packages.ts'
import { libraries, root } from '../support/packages.ts'
import { noOlder, oldestNode, run } from '../support/run.ts'
import { pack, packFolder } from './pack.ts'

/** Takes the raw modules that the packages export, as a host does that forbids compiling bytes. */
function rawModules(modules: readonly string[]): string {
  return `
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { wasm } from '@nnz/core'
import { everyPackage } from './every-package.js'
const { resolve } = createRequire(import.meta.url)
for (const path of ${JSON.stringify(modules)}) {
  const [set, file] = path.replace('/wasm/', '/').split('/').slice(-2)
  wasm.load(set, file.replace('.wasm', ''), new WebAssembly.Module(readFileSync(resolve(path))))
}
atob = () => { throw new Error('the embedded bytes were used') }
console.log(JSON.stringify(await everyPackage()))
`
}

describe.each(['npm', 'pnpm'])('the packed packages, installed by %s into an empty folder', (manager) => {
  let folder = ''
  let expected = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), `nnz-${manager}-`))
    const tarballs: Record<string, string> = {}
    const modules: string[] = []
    for (const entry of libraries) {
      const { name } = entry.manifest
      const { file, files } = await pack(entry)
      tarballs[name] = `file:${file}`
      const raw = files.filter((path) => kernelPackages.includes(name) && /^dist\/wasm\/.*\.wasm$/.test(path))
      modules.push(...raw.map((path) => path.replace('dist', name)))
    }
    expect(modules).toEqual(expect.arrayContaining(['@nnz/core/wasm/simd.wasm', '@nnz/spmm/wasm/spmm-i8/relaxed.wasm']))
    // Dependencies of a tarball on its neighbours are met by the other tarballs, not by a registry.
    const manifest = { name: 'empty', private: true, type: 'module', dependencies: tarballs, overrides: tarballs }
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
    await writeFile(join(folder, 'pnpm-workspace.yaml'), JSON.stringify({ overrides: tarballs }))
    await mkdir(join(folder, 'store'))
    const flags = manager === 'npm' ? ['--no-audit', '--no-fund', '--cache', 'store'] : ['--store-dir', 'store']
    await run(manager, ['install', '--ignore-scripts', ...flags], folder)
    const example = new URL('examples/node/', root)
    await copyFile(fileURLToPath(new URL('pruned-layer.mjs', example)), join(folder, 'pruned-layer.mjs'))
    await copyFile(fileURLToPath(new URL('test/programs/every-package.js', root)), join(folder, 'every-package.js'))
    await writeFile(join(folder, 'raw-modules.mjs'), rawModules(modules))
    expected = await readFile(new URL('expected.txt', example), 'utf8')
  })
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  it('run the example that imports @nnz/spmm alone', async () => {
    const { stdout, stderr } = await run('node', ['pruned-layer.mjs'], folder)
    expect(stdout).toBe(expected)
    expect(stderr).toMatch(/^linear on /)
  })

  it.skipIf(oldestNode === undefined)(
    `run it under Node 22${oldestNode === undefined ? `: ${noOlder}` : ''}`,
    async () => {
      expect(await run(oldestNode!, ['--version'], folder)).toMatchObject({ stdout: expect.stringMatching(/^v22\./) })
      const { stdout, stderr } = await run(oldestNode!, ['pruned-layer.mjs'], folder)
      expect(stdout).toBe(expected)
      expect(stderr).toMatch(/^linear on wasm \(relaxed/)
    },
  )

  it('run on the raw modules that they export', async () => {
    const { stdout } = await run('node', ['raw-modules.mjs'], folder)
    expect(JSON.parse(stdout)).toMatchObject({ packages: allRight('wasm relaxed') })
  })

  it('start the commands that they declare', async () => {
    for (const { manifest } of libraries) {
      for (const path of Object.values(manifest.bin ?? {})) {
        const { stdout } = await run('node', [join('node_modules', manifest.name, path), '--version'], folder)
        expect(stdout).toBe(`${manifest.version}\n`)
      }
    }
  })

  it('resolve every export that they declare', async () => {
    const imports = libraries.flatMap(({ manifest: { name, exports } }) =>
      Object.keys(exports)
        .filter((path) => !path.includes('*'))
        .map((path) => `${name}${path.slice(1)}`),
    )
    const script = `for (const name of ${JSON.stringify(imports)}) console.log(import.meta.resolve(name).startsWith('file:'))`
    const { stdout } = await run('node', ['--input-type=module', '--eval', script], folder)
    expect(stdout).toBe('true\n'.repeat(imports.length))
  })
})

afterAll(() => rm(packFolder, { recursive: true, force: true }))
