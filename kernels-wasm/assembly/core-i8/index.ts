export { columnScales } from '../lib/quantise'
export { gemmI8, probeDot } from './gemm'
export { gemmI8PackX } from './pack'
