import { CudaBackend } from '../glue/backend.ts'
import { openDevice } from './emulator.ts'

/** The device under test as a backend. */
export function openBackend(): CudaBackend {
  return new CudaBackend(openDevice())
}
