import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { captureEnvironment, commitOf, hashBytes, hashFolder } from '../src/environment/index.ts'
import { assertPublishable, environmentSchema } from '../src/records/index.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nnz-environment-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('captures an environment that fits the schema and may be published', async () => {
  const environment = await captureEnvironment({
    machine: 'test-machine',
    suite: 'quick',
    shard: { index: 2, total: 4 },
    wasm: { simd: true, relaxed: false, threads: true },
    kernels: { spmm: hashBytes(new Uint8Array([1])) },
    peaks: [],
    packageFolder: folder,
    codeFolder: new URL('../src/environment', import.meta.url).pathname,
    version: '0.1.0',
  })
  expect(environmentSchema.parse(environment)).toEqual(environment)
  expect(environment).toMatchObject({
    shard: '2of4',
    runtime: { version: process.versions.node },
    source: { commit: null, dirty: null },
  })
  expect(environment.cpu.logicalCores).toBeGreaterThan(0)
  assertPublishable(environment)
})

describe('hashing', () => {
  test('a hash changes with content and with names, not with the folder', async () => {
    const write = async (at: string, name: string, text: string) => {
      await mkdir(join(folder, at, 'inner'), { recursive: true })
      await writeFile(join(folder, at, 'inner', name), text)
      return hashFolder(join(folder, at))
    }
    const hash = await write('a', 'x.js', '1')
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
    expect(await write('b', 'x.js', '1')).toBe(hash)
    expect(await write('c', 'y.js', '1')).not.toBe(hash)
    expect(await write('d', 'x.js', '2')).not.toBe(hash)
  })

  test('bytes, by a published vector', () => {
    expect(hashBytes(new TextEncoder().encode('abc'))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
  })
})

describe('commit', () => {
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=x', '-c', 'user.email=x@example.org', ...args], {
      stdio: 'pipe',
    })

  test('clean, dirty, and with nothing but new results', async () => {
    await mkdir(join(folder, 'bench'))
    await writeFile(join(folder, 'bench', 'package.json'), '{}')
    git('init', '-q')
    git('add', '.')
    git('commit', '-q', '-m', 'first')
    const clean = await commitOf(join(folder, 'bench'))
    expect(clean).toEqual({ commit: expect.stringMatching(/^[0-9a-f]{40}$/), dirty: false })
    await mkdir(join(folder, 'results'))
    await writeFile(join(folder, 'results', 'new.json'), '{}')
    expect(await commitOf(join(folder, 'bench'))).toEqual(clean)
    await writeFile(join(folder, 'bench', 'new.js'), '')
    expect(await commitOf(join(folder, 'bench'))).toEqual({ ...clean, dirty: true })
  })

  test('a package inside the repository of someone else has none', async () => {
    await mkdir(join(folder, 'node_modules', 'bench'), { recursive: true })
    await writeFile(join(folder, 'node_modules', 'bench', 'package.json'), '{}')
    await writeFile(join(folder, '.gitignore'), 'node_modules')
    git('init', '-q')
    git('add', '.')
    git('commit', '-q', '-m', 'first')
    expect(await commitOf(join(folder, 'node_modules', 'bench'))).toEqual({ commit: null, dirty: null })
  })
})
