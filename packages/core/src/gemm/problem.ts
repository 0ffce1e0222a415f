import type { Problem } from '../plan/kernel.ts'

/** How activations are held: `columns` as [K, N], `tokens` transposed in memory, as [N, K]. */
export type Orientation = 'columns' | 'tokens'

/** A dense product: weights [M, K] times activations [K, N]. */
export interface GemmProblem extends Problem {
  readonly operation: 'gemm'
  readonly m: number
  readonly k: number
  readonly n: number
  readonly orientation: Orientation
}

/** Floating point operations. */
export function gemmFlops({ m, k, n }: GemmProblem): number {
  return 2 * m * k * n
}

/** Bytes that one run must move at least: each operand once. */
export function gemmBytes({ m, k, n }: GemmProblem): number {
  return 4 * (m * k + k * n + m * n)
}
