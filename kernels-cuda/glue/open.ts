import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { BackendUnavailableError } from '@nnz/core'
import { type Addon, expectAddon } from './addon.ts'
import { CudaBackend } from './backend.ts'
import { Device } from './device.ts'

const require = createRequire(import.meta.url)

/** The compiled addon: that of NNZ_CUDA_ADDON, a prebuilt one, or one that was built here. */
function loadAddon(): Addon {
  const chosen = process.env.NNZ_CUDA_ADDON
  if (chosen) return expectAddon(require(chosen), 'NNZ_CUDA_ADDON')
  const root = fileURLToPath(new URL('..', import.meta.url))
  try {
    const load: (folder: string) => unknown = require('node-gyp-build')
    return expectAddon(load(root), root)
  } catch (cause) {
    if (cause instanceof BackendUnavailableError) throw cause
    throw new BackendUnavailableError(
      `cuda.open: there is no prebuilt addon for ${process.platform} ${process.arch}; build it with nvcc: npm run build:addon`,
      { cause },
    )
  }
}

let addon: Addon | undefined
const opened = new Map<number, CudaBackend>()

/**
 * Opens a CUDA device as a backend. The same device is opened once.
 *
 * @param index as CUDA counts devices, CUDA_VISIBLE_DEVICES considered
 * @throws BackendUnavailableError where there is no addon, no driver or no device, with CUDA's error and what to do
 */
export async function open(index = 0): Promise<CudaBackend> {
  addon ??= loadAddon()
  let backend = opened.get(index)
  if (!backend) {
    backend = new CudaBackend(new Device(addon, index))
    opened.set(index, backend)
  }
  return backend
}
