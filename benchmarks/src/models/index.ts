export { cacheFolder, listModels, type ModelStatus, modelFile } from './cache.ts'
export { type FetchOptions, type FetchProgress, fetchModel } from './fetch.ts'
export { findModel, type Model, type ModelFile, type ModelSource, models } from './models.ts'
