/** Kernels of one kind, tested in realms of their own: settings stand from the first use of WASM memory on. */
export interface Variant {
  readonly name: string
  readonly needs: 'nothing' | 'simd' | 'relaxed' | 'threads'
  /** As the tests ask for them in Node.js. */
  readonly env: Readonly<Record<string, string>>
  /** Whether the tests run that try plain JS and WASM in one realm. */
  readonly both: boolean
}

export const VARIANTS: readonly Variant[] = [
  { name: 'relaxed', needs: 'relaxed', env: {}, both: true },
  { name: 'base', needs: 'simd', env: { NNZ_WASM: 'base' }, both: true },
  { name: 'threads', needs: 'threads', env: { NNZ_THREADS: '2' }, both: true },
  { name: 'js', needs: 'nothing', env: { NNZ_WASM: 'off' }, both: false },
]
