import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { libraries, root } from '../support/packages.ts'
import { noOlder, oldestNode, run } from '../support/run.ts'
import { pack, packFolder } from './pack.ts'

/** Takes the raw modules that the packages export, as a host does that forbids compiling bytes. */
function rawModules(sets: readonly string[]): string {
  return `
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { csr, spmm, tensor, wasm } from '@nnz/spmm'
const { resolve } = createRequire(import.meta.url)
for (const set of ${JSON.stringify(sets)}) {
  for (const key of ['simd', 'relaxed', 'simd-shared', 'relaxed-shared']) {
    wasm.load(set, key, new WebAssembly.Module(readFileSync(resolve('@nnz/' + set + '/wasm/' + key + '.wasm'))))
  }
}
atob = () => { throw new Error('the embedded bytes were used') }
const plan = spmm.plan(csr.fromDense([1, 0, 0, 2], [2, 2]), { columns: 1 })
console.log(plan.explain().backend, ...plan.run(tensor([3, 4], [2, 1])).data)
`
}

describe.each(['npm', 'pnpm'])('the packed packages, installed by %s into an empty folder', (manager) => {
  let folder = ''
  let expected = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), `nnz-${manager}-`))
    const tarballs: Record<string, string> = {}
    const sets: string[] = []
    for (const entry of libraries) {
      const { name } = entry.manifest
      const { file, files } = await pack(entry)
      tarballs[name] = `file:${file}`
      if (files.includes('dist/wasm/simd.wasm')) sets.push(name.slice('@nnz/'.length))
    }
    expect(sets).toEqual(expect.arrayContaining(['core', 'spmm']))
    // Dependencies of a tarball on its neighbours are met by the other tarballs, not by a registry.
    const manifest = { name: 'empty', private: true, type: 'module', dependencies: tarballs, overrides: tarballs }
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
    await writeFile(join(folder, 'pnpm-workspace.yaml'), JSON.stringify({ overrides: tarballs }))
    await mkdir(join(folder, 'store'))
    const flags = manager === 'npm' ? ['--no-audit', '--no-fund', '--cache', 'store'] : ['--store-dir', 'store']
    await run(manager, ['install', '--ignore-scripts', ...flags], folder)
    const example = new URL('examples/node/', root)
    await copyFile(fileURLToPath(new URL('pruned-layer.mjs', example)), join(folder, 'pruned-layer.mjs'))
    await writeFile(join(folder, 'raw-modules.mjs'), rawModules(sets))
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
    expect((await run('node', ['raw-modules.mjs'], folder)).stdout).toBe('wasm 3 8\n')
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
