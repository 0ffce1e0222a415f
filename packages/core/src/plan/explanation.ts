/** How one bucket of a plan runs. */
export interface BucketExplanation {
  /** Numbers of columns from `from` to `to` use this kernel. */
  readonly from: number
  readonly to: number
  readonly kernel: string
  readonly format: string
  readonly predictedNanoseconds: number
  /** The others that were considered, and why they were not taken. */
  readonly others: readonly { readonly kernel: string; readonly why: string }[]
}

/** What a plan decided, as data; `String(explanation)` is for people. */
export interface Explanation {
  readonly operation: string
  readonly backend: string
  readonly variant: string
  readonly threads: number
  /** Kernel of the largest number of columns. */
  readonly kernel: string
  readonly why: string
  /** Of one run at the largest number of columns. */
  readonly flops: number
  readonly bytes: number
  readonly packings: readonly { readonly format: string; readonly bytes: number }[]
  readonly packedBytes: number
  readonly buckets: readonly BucketExplanation[]
  toString(): string
}

function microseconds(nanoseconds: number): string {
  return Number.isFinite(nanoseconds) ? `${(nanoseconds / 1000).toPrecision(3)} µs` : 'unknown'
}

/** The text form of an explanation. */
export function explanationText(explanation: Omit<Explanation, 'toString'>): string {
  const { operation, backend, variant, threads, kernel, why, flops, bytes, packings } = explanation
  const lines = [
    `${operation} on ${backend} (${variant}, ${threads} ${threads === 1 ? 'thread' : 'threads'}): ${kernel}`,
    `  why: ${why}`,
    `  one run: ${(flops / 1e6).toPrecision(4)} Mflop, ${(bytes / 1e6).toPrecision(4)} MB`,
    ...packings.map(({ format, bytes: size }) => `  packed as ${format}: ${(size / 1e6).toPrecision(4)} MB`),
  ]
  for (const bucket of explanation.buckets) {
    const range = bucket.from === bucket.to ? `${bucket.to}` : `${bucket.from}..${bucket.to}`
    lines.push(`  columns ${range}: ${bucket.kernel}, predicted ${microseconds(bucket.predictedNanoseconds)}`)
    for (const other of bucket.others) lines.push(`    not ${other.kernel}: ${other.why}`)
  }
  return lines.join('\n')
}

/** Why a candidate was not taken. */
export function whyNot(candidate: { nanoseconds: number; reason: string | undefined }): string {
  return candidate.reason ?? `predicted ${microseconds(candidate.nanoseconds)}`
}
