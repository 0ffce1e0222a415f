export { attentionBackward } from './backward'
export { attention } from './forward'
