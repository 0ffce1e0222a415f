export { epilogue, epilogueTokens, gateSilu } from '../lib/epilogue'
export { gemm } from './gemm'
export { gemv } from './gemv'
export { gemmPackA, gemmPackB } from './pack'
