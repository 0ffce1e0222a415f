/** Bytes of the arrays that were allocated while something ran; `count-allocations.ts` counts them. */
export async function allocatedBy(run: () => Promise<unknown>): Promise<number> {
  const { countedForTests } = globalThis as unknown as { countedForTests: { allocatedBytes: number } }
  const before = countedForTests.allocatedBytes
  await run()
  return countedForTests.allocatedBytes - before
}
