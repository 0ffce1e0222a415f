export {
  countsByMagnitude,
  countsBySensitivity,
  countsByShape,
  type LayerShape,
  type SensitivityCurve,
  type SensitivityPoint,
} from './allocation/allocate.ts'
export type { Allocation, Method, PruneOptions, PruneProgress } from './driver/options.ts'
export { pruneNetwork } from './driver/prune-network.ts'
export type { LayerReport, PruneReport, PruneTotal } from './driver/report.ts'
export { essentialSparsity, type KneeOptions, type QualityPoint } from './laws/knee.ts'
export { magnitudeSweep, type SweepOptions, type SweepStep } from './laws/sweep.ts'
export {
  agreement,
  compareTwins,
  type LayerComparison,
  type SparseTwin,
  sparseTwins,
  type VariationalDropoutOptions,
  type VariationalWeights,
  variationalDropoutMask,
  type ZooModel,
} from './laws/twins.ts'
export { countKept } from './layer.ts'
export {
  cholesky,
  inverse,
  inverseFactor,
  loadLinearAlgebra,
  type MatrixValues,
  type Svd,
  type SymmetricEigen,
  svd,
  symmetricEigen,
} from './linear-algebra/index.ts'
export { type DsnotOptions, dsnot } from './methods/dsnot.ts'
export { magnitude } from './methods/magnitude.ts'
export type { MaskOptions } from './methods/options.ts'
export { type InputNorms, wanda } from './methods/wanda.ts'
export type { LayerWeights, PrunableLayer, PrunableNetwork, PrunedLayer, StreamVisitor } from './network.ts'
export { keptOf, type Pattern, patternName } from './pattern/pattern.ts'
export { type Scope, type SelectOptions, selectMask } from './pattern/select.ts'
export type { QuantiseChoice, QuantisedWeights } from './sparsegpt/quantiser.ts'
export { type RefineOptions, type SparsegptLayer, type SparsegptOptions, sparsegpt } from './sparsegpt/sparsegpt.ts'
export { type LayerStatistics, StatisticsCollector, type StatisticsOptions } from './statistics/collector.ts'
