export { countKept } from './layer.ts'
export type { LayerWeights, PrunableLayer, PrunableNetwork, PrunedLayer, StreamVisitor } from './network.ts'
export { keptOf, type Pattern, patternName } from './pattern/pattern.ts'
export { type Scope, type SelectOptions, selectMask } from './pattern/select.ts'
