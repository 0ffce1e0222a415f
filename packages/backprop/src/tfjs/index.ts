export {
  type SampledProduct,
  type SparseLinear,
  type SparseLinearOptions,
  type SparseSoftmax,
  type TensorFlow,
  tensorFlowOperations,
} from './operations.ts'
