export { packPanels } from '../core/panels'
export { sddmmCsr } from './sddmm'
