export { attentionBackward } from './backward'
export { decode } from './decode'
export { attention } from './forward'
