import { existsSync } from 'node:fs'
import { libraries } from './packages.ts'

/** The packages with kernels in WASM, by name. */
export const kernelPackages: readonly string[] = libraries
  .filter(({ url }) => existsSync(new URL('dist/wasm/simd.wasm', url)))
  .map(({ manifest }) => manifest.name)
  .sort()

/** What `programs/every-package.js` finds where every package works, all on one backend. */
export function allRight(backend: string) {
  return Object.fromEntries(kernelPackages.map((name) => [name, { backend, right: true }]))
}
