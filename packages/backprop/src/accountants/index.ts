export { RunningAverage } from './average.ts'
export {
  flopsBetween,
  PeakBytes,
  parameterCount,
  type TrainingBytes,
  trainedCount,
  trainingBytes,
  workOf,
} from './model.ts'
export { type TransformerFlops, type TransformerShape, transformerFlops } from './transformer.ts'
