export { environmentDifference, recordId, runName, unofficialReason } from './identity.ts'
export { type Identity, localIdentity } from './local-identity.ts'
export { assertPublishable, findPrivate, type PrivateFinding, redact } from './publishable.ts'
export { knownQuality, type QualityFile, type QualityRecord, qualityRecordSchema, writeQuality } from './quality.ts'
export {
  parseResultsFile,
  type QualityRun,
  type Results,
  type Run,
  readResults,
  readRun,
  type StoredRun,
} from './read.ts'
export {
  type BenchProblem,
  type BenchRecord,
  type Contender,
  chosenName,
  type Environment,
  environmentSchema,
  type Peak,
  type ResultsFile,
  recordSchema,
  resultsFileSchema,
  type Status,
  type Workload,
} from './schema.ts'
export { openStore, type Store, type StoreOptions } from './store.ts'
