import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { unofficialReason } from './identity.ts'
import { parseJournal } from './journal.ts'
import { QUALITY, type QualityFile, qualityFileSchema } from './quality.ts'
import {
  type BenchRecord,
  chosenName,
  type Environment,
  parseJsonWith,
  parseWith,
  type ResultsFile,
  resultsFileSchema,
} from './schema.ts'

/** One run of one machine. */
export interface Run {
  readonly environment: Environment
  readonly records: readonly BenchRecord[]
  /** Path inside the results folder, with `/`: `laptop/2026-11-24-dbeffa9d11-quick.json`. */
  readonly path: string
  /** Still running, or interrupted: read from the journal. */
  readonly partial: boolean
  /** Why its records are not official, or null. */
  readonly unofficial: string | null
}

/** What networks still do, judged on one machine at one time. */
export interface QualityRun {
  readonly environment: Environment
  readonly records: QualityFile['records']
  readonly path: string
  readonly unofficial: string | null
}

export interface Results {
  /** In the order of their dates. */
  readonly runs: readonly Run[]
  readonly quality: readonly QualityRun[]
  /** What could not be used, and why. */
  readonly leftOut: readonly { readonly path: string; readonly reason: string }[]
}

export const FINAL = '.json'
export const JOURNAL = '.partial.jsonl'
/** More than a million records; a file beyond this is no results file, and would not fit into memory beside its copy. */
const MAX_BYTES = 512 * 1024 * 1024

/** What is on disk of one run: its results file, and what a journal beside it adds. */
export interface StoredRun {
  readonly environment: Environment
  readonly records: Map<string, BenchRecord>
  /** There is a journal: the run is going on or was interrupted. */
  readonly partial: boolean
  /** Bytes of the journal up to its last whole line; what follows was cut off in the middle of a write. */
  readonly wholeBytes: number
}

/**
 * Reads one run by the path of its results file, of its journal, or of both without their endings; null where neither exists.
 * @throws {RangeError} that names the file and what is wrong with it.
 */
export async function readRun(path: string): Promise<StoredRun | null> {
  const base = basesOf([path])[0] ?? path
  const [text, journalText] = [await textOf(base + FINAL), await textOf(base + JOURNAL)]
  const done = text === null ? null : parseResultsFile(text, base + FINAL)
  const records = new Map(done?.records.map((record) => [record.id, record]))
  if (journalText === null) return done && { environment: done.environment, records, partial: false, wholeBytes: 0 }
  const journal = parseJournal(journalText, base + JOURNAL)
  for (const record of journal.records.values()) records.set(record.id, record)
  return {
    environment: done?.environment ?? journal.environment,
    records,
    partial: true,
    wholeBytes: journal.wholeBytes,
  }
}

/** Reads `<folder>/<machine>/*`: any number of machines, runs and shards. What is corrupt is named and left out. */
export async function readResults(folder: string): Promise<Results> {
  const runs: Run[] = []
  const quality: QualityRun[] = []
  const leftOut: { path: string; reason: string }[] = []
  for (const machine of await namesIn(folder, 'folders')) {
    const names = await namesIn(join(folder, machine), 'files')
    for (const name of names.filter((name) => name.endsWith(QUALITY))) {
      const path = `${machine}/${name}`
      try {
        const file = parseJsonWith(qualityFileSchema, (await textOf(join(folder, machine, name))) ?? '', path)
        checkPlace(file.environment, machine, name)
        quality.push({ ...file, path, unofficial: unofficialReason(file.environment) })
      } catch (error) {
        leftOut.push({ path, reason: (error as Error).message.replaceAll(join(folder, '/'), '') })
      }
    }
    for (const base of basesOf(names)) {
      try {
        const run = await readRun(join(folder, machine, base))
        if (run === null) continue
        const { environment, partial } = run
        checkPlace(environment, machine, base)
        const path = `${machine}/${base}${partial ? JOURNAL : FINAL}`
        runs.push({
          path,
          environment,
          records: [...run.records.values()],
          partial,
          unofficial: unofficialReason(environment),
        })
      } catch (error) {
        leftOut.push({ path: `${machine}/${base}`, reason: (error as Error).message.replaceAll(join(folder, '/'), '') })
      }
    }
  }
  const byDate = (a: Run | QualityRun, b: Run | QualityRun) =>
    compare(a.environment.date, b.environment.date) || compare(a.path, b.path)
  return { runs: runs.sort(byDate), quality: quality.sort(byDate), leftOut }
}

/** The runs that a list of file names belongs to; quality files are no runs. */
export function basesOf(names: readonly string[]): string[] {
  const bases = names
    .filter((name) => !name.endsWith(QUALITY))
    .flatMap((name) => [JOURNAL, FINAL].filter((end) => name.endsWith(end)).map((end) => name.slice(0, -end.length)))
  return [...new Set(bases)]
}

/**
 * @throws {RangeError} that names the file and every field that does not fit.
 */
export function parseResultsFile(text: string, source: string): ResultsFile {
  return parseJsonWith(resultsFileSchema, text, source)
}

async function textOf(path: string): Promise<string | null> {
  try {
    const { size } = await stat(path)
    if (size > MAX_BYTES) throw new RangeError(`${path}: expected at most ${MAX_BYTES} bytes, it has ${size}`)
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The folder is the key by which results merge, so what stands inside must agree with it. */
function checkPlace(environment: Environment, folder: string, name: string): void {
  parseWith(chosenName, folder, `machine folder ${JSON.stringify(folder)}`)
  if (!/^[\w.-]+$/.test(name)) throw new RangeError('expected a name of letters, digits, dots, hyphens and underscores')
  if (environment.machine !== folder) {
    throw new RangeError(`records of machine ${environment.machine} in the folder of ${folder}`)
  }
}

async function namesIn(folder: string, kind: 'files' | 'folders'): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return entries
    .filter((entry) => (kind === 'files' ? entry.isFile() : entry.isDirectory()) && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort()
}
