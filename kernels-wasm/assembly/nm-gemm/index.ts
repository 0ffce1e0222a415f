export { nmPairs, nmRows } from './gemm'
export { nmGemvGather, nmGemvSwizzle } from './gemv'
export { nmScatter } from './scatter'
