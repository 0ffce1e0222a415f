export { type CaptureOptions, captureEnvironment } from './capture.ts'
export { hashBytes, hashFolder } from './hash.ts'
export { commitOf } from './source.ts'
