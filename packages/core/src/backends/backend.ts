/** Where operations run. A backend is an object, passed as `{ backend }`; without one the best CPU backend is used. */
export interface Backend {
  /** `js`, `wasm`, or the name of a backend that another package brings. */
  readonly name: string
  /** The variant of its kernels that this host runs: `js`, `simd`, `relaxed`, … */
  readonly variant: string
  /** Every variant whose kernels run here, where there are several: a newer device runs those of older ones, too. */
  readonly variants?: readonly string[] | undefined
  /** Threads that work on one operation, the caller's included. */
  readonly threads: number
}
