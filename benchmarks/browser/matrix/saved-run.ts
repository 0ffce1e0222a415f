import { clear, createStore, entries, get, set } from 'idb-keyval'
import { environmentDifference } from '../../src/records/identity.ts'
import { type BenchRecord, type Environment, parseWith, recordSchema } from '../../src/records/schema.ts'
import type { Store } from '../../src/records/store.ts'

/** A run as it lies in the browser: its records survive a closed tab. */
export interface SavedRun {
  readonly environment: Environment
  readonly records: readonly BenchRecord[]
}

const HEAD = 'environment'
const database = () => createStore('nnz-bench', 'run')

/** The run of this browser's last visit, finished or not. */
export async function savedRun(): Promise<SavedRun | undefined> {
  const environment = await get<Environment>(HEAD, database())
  if (environment === undefined) return undefined
  const stored = await entries<string, BenchRecord>(database())
  return { environment, records: stored.filter(([id]) => id !== HEAD).map(([, record]) => record) }
}

/** Why a saved run cannot go on in this environment; null where it can. */
export function whyNotResumed(saved: SavedRun, environment: Environment): string | null {
  return environmentDifference(saved.environment, environment)
}

/** Opens the store of a run: the saved one, or with `fresh` a new one in its place. */
export async function openSavedRun(environment: Environment, fresh: boolean): Promise<Store> {
  const into = database()
  const saved = fresh ? undefined : await savedRun()
  if (saved === undefined) {
    await clear(into)
    await set(HEAD, environment, into)
  }
  const records = new Map(saved?.records.map((record) => [record.id, record]))
  return {
    path: '',
    environment: saved?.environment ?? environment,
    records,
    resumed: records.size,
    notResumed: [],
    async append(record) {
      const checked = parseWith(recordSchema, record, `record ${record.id}`)
      await set(checked.id, checked, into)
      records.set(checked.id, checked)
    },
    async close() {},
  }
}
