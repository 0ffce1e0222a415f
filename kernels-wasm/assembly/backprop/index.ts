export { packPanels } from '../core/panels'
export { sddmmCsr } from './sddmm'
export { slopeRows, sumColumns } from './slopes'
export { softmaxBackwardRows, softmaxRows } from './softmax'
