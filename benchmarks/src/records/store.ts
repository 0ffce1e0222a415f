import { mkdir, open, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { environmentDifference, runName } from './identity.ts'
import { headLine } from './journal.ts'
import type { Identity } from './local-identity.ts'
import { assertPublishable } from './publishable.ts'
import { basesOf, FINAL, JOURNAL, readRun } from './read.ts'
import { type BenchRecord, type Environment, environmentSchema, parseWith, recordSchema } from './schema.ts'

/** Characters of the date at the head of a run's name, and the count at its end where the name was taken. */
const DATE = 10
const COUNT = /-\d+$/

export interface StoreOptions {
  /** The results folder; files go to `<folder>/<machine>/`. */
  readonly folder: string
  readonly environment: Environment
  /** Take up the newest run of the same machine, suite, shard and code, finished or not. */
  readonly resume?: boolean
  readonly identity?: Identity
}

/** The records of one run, on disk as soon as they are measured. */
export interface Store {
  /** The results file that `close` writes. */
  readonly path: string
  /** The environment that the file states: of a resumed run, that of its beginning. */
  readonly environment: Environment
  /** All records so far by id, the resumed ones too. */
  readonly records: ReadonlyMap<string, BenchRecord>
  /** How many records were taken up from an earlier run. */
  readonly resumed: number
  /** Runs that `resume` could not take up, and what differs. */
  readonly notResumed: readonly { readonly path: string; readonly reason: string }[]
  /**
   * Checks a record and writes it; when the promise fulfils it has reached the disk. A record with the id of an earlier one replaces it.
   * @throws {RangeError} where it does not fit the schema or gives away a name; nothing is written then.
   */
  append(record: BenchRecord): Promise<void>
  /** Writes the results file in one step and removes the journal. */
  close(): Promise<void>
}

/** Opens a new run, or with `resume` an interrupted one. */
export async function openStore({ folder, environment, resume = false, identity }: StoreOptions): Promise<Store> {
  parseWith(environmentSchema, environment, 'environment')
  assertPublishable({ environment }, identity)
  const home = join(folder, environment.machine)
  await mkdir(home, { recursive: true })

  const { found, notResumed } = resume ? await findRun(home, environment) : { found: null, notResumed: [] }
  const base = found?.base ?? (await claimName(home, environment))
  const journalPath = join(home, base + JOURNAL)
  const finalPath = join(home, base + FINAL)
  const stated = found?.run.environment ?? environment
  const records = found?.run.records ?? new Map<string, BenchRecord>()
  const resumed = records.size

  const journal = await open(journalPath, 'a')
  if (found?.run.partial) await journal.truncate(found.run.wholeBytes)
  const write = async (line: string) => {
    await journal.appendFile(line)
    await journal.datasync()
  }
  if ((await journal.stat()).size === 0) await write(headLine(stated))

  // One write at a time, so that lines of concurrent calls never mix.
  let last: Promise<unknown> = Promise.resolve()
  return {
    path: finalPath,
    environment: stated,
    records,
    resumed,
    notResumed,
    async append(record) {
      const checked = parseWith(recordSchema, record, `record ${record.id}`)
      assertPublishable({ record: checked }, identity)
      const written = last.then(() => write(`${JSON.stringify(checked)}\n`))
      last = written.catch(() => undefined)
      await written
      records.set(checked.id, checked)
    },
    async close() {
      await last
      await journal.close()
      await writeFileAtomic(finalPath, fileText(stated, records.values()))
      await unlink(journalPath)
    },
  }
}

/** One record per line, so that a difference between two files can be read. */
function fileText(environment: Environment, records: Iterable<BenchRecord>): string {
  const lines = Array.from(records, (record) => JSON.stringify(record))
  return `{"schema":1,"environment":${JSON.stringify(environment)},"records":[\n${lines.join(',\n')}\n]}\n`
}

/** The first free name: two runs of one commit on one day stand side by side, and two at the same time never share a journal. */
async function claimName(home: string, environment: Environment): Promise<string> {
  const taken = new Set(await readdir(home))
  for (let count = 1; ; count++) {
    const base = count === 1 ? runName(environment) : `${runName(environment)}-${count}`
    if (taken.has(base + FINAL) || taken.has(base + JOURNAL)) continue
    try {
      await (await open(join(home, base + JOURNAL), 'wx')).close()
      return base
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

/** The newest run, by its name, that this environment may continue. */
async function findRun(home: string, environment: Environment) {
  const wanted = runName(environment).slice(DATE)
  const bases = basesOf(await readdir(home)).filter(
    (base) => base.slice(DATE).replace(COUNT, '') === wanted.replace(COUNT, ''),
  )
  const notResumed: { path: string; reason: string }[] = []
  for (const base of bases.sort(new Intl.Collator('en', { numeric: true }).compare).reverse()) {
    try {
      const run = await readRun(join(home, base))
      if (run === null) continue
      const difference = environmentDifference(run.environment, environment)
      if (difference === null) return { found: { base, run }, notResumed }
      notResumed.push({ path: base, reason: `differs in ${difference}` })
    } catch (error) {
      notResumed.push({ path: base, reason: (error as Error).message })
    }
  }
  return { found: null, notResumed }
}
