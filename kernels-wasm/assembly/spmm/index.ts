export { spmmCsr } from './csr'
export { packPanels } from './pack'
export { scatterValues } from './scatter'
export { packColumn, spmvSell } from './sell'
