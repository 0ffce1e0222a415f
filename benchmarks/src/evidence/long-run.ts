import type { QualityRecord } from '../records/index.ts'

/** Where a long run keeps what it goes on from, by name. */
export interface Keep {
  load(name: string): Promise<Uint8Array | undefined>
  save(name: string, bytes: Uint8Array): Promise<void>
}

/** What evidence that takes hours needs, so that an interruption loses nothing that was measured. */
export interface LongRun {
  /** What was measured before, and is not measured again. */
  readonly known: readonly QualityRecord[]
  /** Keeps weights of points for others that go on from them, and checkpoints. */
  readonly keep: Keep
  /** Called with every record when it is there; awaited. */
  readonly onRecord: (record: QualityRecord) => Promise<void>
}
