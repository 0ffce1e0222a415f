import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PACKAGES = ['@nnz/core', '@nnz/spmm', '@nnz/nm-gemm', '@nnz/attention', '@nnz/backprop']

/** SHA-256 of each kernel package's WASM binaries, as they are installed. */
export function kernelHashes(hash: (bytes: Uint8Array) => string): Record<string, string> {
  return Object.fromEntries(
    PACKAGES.map((name) => {
      const folder = join(dirname(fileURLToPath(import.meta.resolve(name))), 'wasm')
      const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.wasm'))
        .sort()
      return [name, hash(Buffer.concat(files.map((file) => readFileSync(join(folder, file)))))]
    }),
  )
}
