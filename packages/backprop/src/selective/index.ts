export { lookUp, memorySlots } from './memory.ts'
export {
  LayerImportance,
  type ScoredParameter,
  trainBiases,
  trainHighest,
  trainLargestGradients,
  trainModules,
  trainOnly,
  trainSmallestMagnitudes,
} from './select.ts'
