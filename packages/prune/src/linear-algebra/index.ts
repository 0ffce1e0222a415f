export type { MatrixValues } from './matrix.ts'
export { loadLinearAlgebra } from './module.ts'
export { type Svd, svd } from './svd.ts'
export { cholesky, inverse, inverseFactor, type SymmetricEigen, symmetricEigen } from './symmetric.ts'
