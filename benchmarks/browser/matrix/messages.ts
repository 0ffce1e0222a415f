import type { BenchRecord, Environment } from '../../src/records/schema.ts'
import type { Source } from './environment.ts'
import type { PageSuite } from './operations.ts'

/** What the page asks of the worker that measures. */
export interface MatrixSettings {
  readonly suite: PageSuite
  readonly machine: string
  /** Numbers of threads, each of which is measured. */
  readonly threads: readonly number[]
  readonly baselines: boolean
  /** Texts that ids of workloads contain; undefined for all of the suite. */
  readonly matching: readonly string[] | undefined
  /** Seconds that the whole run may take; undefined where the suite says. */
  readonly seconds: number | undefined
  /** Go on with the saved run instead of a new one. */
  readonly resume: boolean
  readonly source: Source
}

export type ToMatrix = { readonly type: 'start'; readonly settings: MatrixSettings } | { readonly type: 'stop' }

export type FromMatrix =
  | { readonly type: 'begun'; readonly environment: Environment; readonly records: readonly BenchRecord[] }
  | { readonly type: 'point'; readonly done: number; readonly total: number; readonly id: string }
  | { readonly type: 'record'; readonly record: BenchRecord }
  | { readonly type: 'ended' }
  | { readonly type: 'failed'; readonly message: string }
