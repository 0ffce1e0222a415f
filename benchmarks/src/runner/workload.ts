/** A problem with a source, at several sparsities. Operations add what they need to make its operands. */
export interface Workload {
  /** Stable: `bert-base/ffn-up/n128/uniform`. */
  readonly id: string
  readonly operation: string
  /** The sparsities to measure, rising. */
  readonly sparsities: readonly number[]
  /** Whether other sparsities may be asked for: trained matrices, N:M patterns and sparse files have the one that they have. */
  readonly anySparsity: boolean
}

/** The id of a workload at one sparsity: `bert-base/ffn-up/n128/uniform/0.90`. */
export function pointId(workload: Workload, sparsity: number): string {
  return `${workload.id}/${sparsity.toFixed(2)}`
}
