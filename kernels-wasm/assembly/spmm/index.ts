export { spmmBsr } from './bsr'
export { spmmCsr } from './csr'
export { packColumn, spmvSell } from './sell'
