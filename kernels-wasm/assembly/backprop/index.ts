export { packPanels } from '../core/panels'
