import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type BenchRecord, openStore, parseResultsFile, readResults, recordSchema } from '../src/records/index.ts'
import { makeEnvironment, makeRecords, SHAPES } from './report-fixture.ts'

const records = makeRecords({ shapes: SHAPES.slice(0, 1), columns: [16], sparsities: [0.5, 0.9] })
const passed = records.find(({ status }) => status === 'passed')!
const identity = { hostName: 'ada-thinkpad', userName: 'ada', home: '/home/ada' }

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nnz-records-'))
})
afterEach(() => rm(folder, { recursive: true }))

const open = (extra: Partial<Parameters<typeof openStore>[0]> = {}) =>
  openStore({ folder, environment: makeEnvironment(), identity, ...extra })

describe('schema', () => {
  const failing: BenchRecord = { ...passed, status: 'error', reason: 'it threw', samples: [], order: [] }
  test.each<[string, Partial<BenchRecord>, RegExp]>([
    ['no error', { error: null }, /states its error/],
    ['an error above its bound', { error: { maxAbs: 2, rms: 1, bound: 1 } }, /above the bound/],
    ['an error that is not finite', { error: { maxAbs: null, rms: null, bound: 1 } }, /finite/],
    ['no samples', { samples: [], order: [] }, /has samples/],
    ['a sample of zero', { samples: [[0]] }, /samples\.0\.0/],
    ['no iterations', { iterations: null }, /iterations/],
    ['a reason', { reason: 'x' }, /no reason/],
    ['fewer places than processes', { order: [] }, /one place per process/],
    ['a sparsity above 1', { problem: { sparsity: 1.5 } }, /problem\.sparsity/],
    ['an unknown field', { time: 3 } as never, /time/],
  ])('a passed record with %s is refused', (_, change, message) => {
    const result = recordSchema.safeParse({ ...passed, ...change })
    expect(result.success).toBe(false)
    expect(result.error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join()).toMatch(message)
  })

  test('a record that failed has no time and says why', () => {
    expect(recordSchema.safeParse(failing).success).toBe(true)
    expect(recordSchema.safeParse({ ...failing, samples: [[5]], order: [0] }).error?.message).toMatch(
      /no time without a passed check/,
    )
    expect(recordSchema.safeParse({ ...failing, reason: null }).error?.message).toMatch(/says why/)
  })

  test('a file with one id twice is refused, and the message names file and place', () => {
    const text = JSON.stringify({ schema: 1, environment: makeEnvironment(), records: [passed, passed] })
    expect(() => parseResultsFile(text, 'a.json')).toThrow(/^a\.json: records\.1\.id: .* twice/)
  })
})

describe('store', () => {
  test('close leaves one file that reads back as what was appended', async () => {
    const store = await open()
    for (const record of records) await store.append(record)
    await store.close()
    expect(await readdir(join(folder, 'fixture-laptop'))).toEqual(['2026-11-20-aaaaaaaaaa-quick.json'])
    const { runs, leftOut } = await readResults(folder)
    expect(leftOut).toEqual([])
    expect(runs[0]).toMatchObject({ partial: false, unofficial: null, environment: makeEnvironment() })
    expect(runs[0]?.records).toEqual(records)
  })

  test('what was appended before kill -9 is there, a torn last line is not, and resume goes on', async () => {
    const all = makeRecords()
    const writer = spawn(process.execPath, [join(import.meta.dirname, 'records-writer.ts'), folder, '3'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(writer.stdout, 'data')
    writer.kill('SIGKILL')
    await once(writer, 'exit')
    const journal = join(folder, 'fixture-laptop', '2026-11-20-aaaaaaaaaa-quick.partial.jsonl')
    await writeFile(journal, JSON.stringify(all[3]).slice(0, 100), { flag: 'a' })
    const { runs } = await readResults(folder)
    expect(runs).toMatchObject([{ partial: true, records: all.slice(0, 3) }])

    const resumed = await open({ resume: true })
    expect(resumed.resumed).toBe(3)
    expect([...resumed.records.keys()]).toEqual(all.slice(0, 3).map(({ id }) => id))
    await resumed.append(all[3]!)
    await resumed.close()
    expect((await readResults(folder)).runs.map((run) => run.records)).toEqual([all.slice(0, 4)])
  })

  test('resume on another day continues a finished run too, and a later record replaces an earlier one', async () => {
    const store = await open()
    await store.append(passed)
    await store.close()
    const again = await open({ resume: true, environment: makeEnvironment({ date: '2026-11-22T08:00:00.000Z' }) })
    expect(again.environment.date).toBe('2026-11-20T10:00:00.000Z')
    await again.append({ ...passed, planning: 1234 })
    expect((await readResults(folder)).runs[0]).toMatchObject({ partial: true, records: [{ planning: 1234 }] })
    await again.close()
    expect(await readdir(join(folder, 'fixture-laptop'))).toEqual(['2026-11-20-aaaaaaaaaa-quick.json'])
    expect((await readResults(folder)).runs[0]?.records).toHaveLength(1)
  })

  test('resume does not continue a run of other code, and says so', async () => {
    await (await open()).close()
    const environment = makeEnvironment()
    const store = await open({
      resume: true,
      environment: { ...environment, source: { ...environment.source, bench: 'd'.repeat(64) } },
    })
    expect(store).toMatchObject({ resumed: 0, notResumed: [{ reason: 'differs in benchmark code' }] })
    expect(store.path).toMatch(/quick-2\.json$/)
    await store.close()
  })

  test('two runs at the same time get two files', async () => {
    const stores = await Promise.all([open(), open(), open()])
    expect(new Set(stores.map(({ path }) => path)).size).toBe(3)
    for (const store of stores) await store.close()
  })

  test('appending all at once loses and mixes nothing', async () => {
    const store = await open()
    await Promise.all(records.map((record) => store.append(record)))
    await store.close()
    expect((await readResults(folder)).runs[0]?.records).toEqual(records)
  })

  test('a record that does not fit is refused and not written', async () => {
    const store = await open()
    await expect(store.append({ ...passed, error: null })).rejects.toThrow(RangeError)
    await expect(
      store.append({ ...passed, contender: { ...passed.contender, version: 'from /home/ada/x' } }),
    ).rejects.toThrow(/version holds the home path/)
    await store.close()
    expect((await readResults(folder)).runs[0]?.records).toEqual([])
  })

  test('a machine name that is no plain name, or the host name, is refused', async () => {
    await expect(open({ environment: makeEnvironment({ machine: '../x' }) })).rejects.toThrow(/environment: machine/)
    await expect(open({ environment: makeEnvironment({ machine: 'ada-thinkpad' }) })).rejects.toThrow(
      /machine holds the host name/,
    )
  })
})

describe('reading a folder', () => {
  test('machines and shards merge; corrupt files are named and left out', async () => {
    for (const machine of ['one', 'two']) await (await open({ environment: makeEnvironment({ machine }) })).close()
    await (await open({ environment: { ...makeEnvironment({ machine: 'two' }), shard: '2of2' } })).close()
    await writeFile(join(folder, 'one', 'torn.json'), '{"schema":1,')
    await writeFile(join(folder, 'one', 'old.json'), '{"schema":0}')
    const copied = await readFile(join(folder, 'two', '2026-11-20-aaaaaaaaaa-quick.json'))
    await writeFile(join(folder, 'one', 'copied.json'), copied)
    await writeFile(join(folder, 'two', 'a name.json'), copied)
    await writeFile(join(folder, 'README.md'), 'no results file')
    const { runs, leftOut } = await readResults(folder)
    expect(runs.map(({ path }) => path)).toEqual([
      'one/2026-11-20-aaaaaaaaaa-quick.json',
      'two/2026-11-20-aaaaaaaaaa-quick-2of2.json',
      'two/2026-11-20-aaaaaaaaaa-quick.json',
    ])
    expect(leftOut).toMatchObject([
      { path: 'one/copied', reason: 'records of machine two in the folder of one' },
      { path: 'one/old', reason: expect.stringMatching(/^one\/old\.json: schema/) },
      { path: 'one/torn', reason: expect.stringMatching(/not JSON/) },
      { path: 'two/a name', reason: expect.stringMatching(/expected a name of letters/) },
    ])
  })

  test('a folder that is not there holds no runs', async () => {
    expect(await readResults(join(folder, 'nowhere'))).toEqual({ runs: [], quality: [], leftOut: [] })
  })

  test('records of a dirty or unknown commit are not official', async () => {
    const environment = makeEnvironment()
    await (await open({ environment: { ...environment, source: { ...environment.source, dirty: true } } })).close()
    await (
      await open({ environment: { ...environment, source: { ...environment.source, commit: null, dirty: null } } })
    ).close()
    expect((await readResults(folder)).runs.map(({ unofficial }) => unofficial).sort()).toEqual([
      'the commit is unknown',
      'the working tree differed from the commit',
    ])
  })
})
