import { open } from './open.ts'

export type { DeviceProperties, PoolState } from './addon.ts'
export { CudaBackend, CudaTensor } from './backend.ts'

/** CUDA devices: `const gpu = await cuda.open(0)`, then `{ backend: gpu }` in any operation. */
export const cuda = Object.freeze({ open })
