import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { expectAddon } from '../glue/addon.ts'
import { Device } from '../glue/device.ts'

/** The addon under test: the emulator, or the one that NNZ_CUDA_ADDON names. */
const path = process.env.NNZ_CUDA_ADDON ?? fileURLToPath(new URL('../build/emulator/nnz_cuda.node', import.meta.url))

/** Why device tests cannot run here; undefined if they can. */
export const noEmulator = existsSync(path)
  ? undefined
  : 'needs the emulator: npm run build:emulator -w @nnz/cuda, with g++'

export function openDevice(): Device {
  return new Device(expectAddon(createRequire(import.meta.url)(path), path), 0)
}
