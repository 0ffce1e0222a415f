export { nmPairs, nmRows } from './gemm'
