/** One case of so many: for a host that need not repeat all that another has swept. */
const STEP = Number(process.env.NNZ_TEST_STEP || 1)

/**
 * The cases, or with NNZ_TEST_STEP some of them, always the same ones: not at regular distances, since cases come in groups.
 * `most` is the largest step, for cases of which there are few.
 */
export function sampled<T>(cases: readonly T[], most = STEP): T[] {
  return cases.filter((_, i) => (Math.imul(i, 0x9e3779b1) >>> 16) % Math.min(STEP, most) === 0)
}
