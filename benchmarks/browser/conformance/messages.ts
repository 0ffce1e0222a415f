import type { Variant } from './variants.ts'

/** One test file, by its place among those of the variant. */
export interface ToConformance {
  readonly variant: Variant
  readonly file: number
}

/** What came of a test file. */
export interface Outcome {
  readonly package: string
  readonly passed: number
  readonly failed: number
  /** The first failures, in words. */
  readonly failures: readonly string[]
}

export type FromConformance =
  | {
      readonly type: 'ended'
      readonly outcome: Outcome
      /** Test files of this variant. */
      readonly files: number
      /** The path of the next one. */
      readonly next: string | undefined
    }
  | { readonly type: 'failed'; readonly message: string }
