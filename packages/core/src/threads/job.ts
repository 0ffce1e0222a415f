/**
 * The control block through which the pool and its workers talk, as indices into an Int32Array over shared memory.
 *
 * OPEN holds the set's number in its upper half and the number of parts that nobody owns yet in its lower half; it is
 * stored last when a job opens. Whoever lowers it by compare-and-exchange owns that part. So a worker that wakes late
 * finds nothing and does no harm, one that lacks the set's module leaves its parts to others, and a job finishes even
 * if no worker ever wakes: the caller takes parts too.
 */
export const JOB = {
  /** Bumped when there is something to do: workers wait on it. */
  generation: 0,
  open: 1,
  /** Parts finished. */
  done: 2,
  parts: 3,
  /** Not 0 after a part threw. */
  failed: 4,
  exportIndex: 5,
  argumentCount: 6,
  /** Bumped when a message waits in the workers' inboxes: they must return to their event loops. */
  mail: 7,
  /** Workers that have started. */
  ready: 8,
  /** Not 0 once the pool is closed. */
  closed: 9,
  arguments: 16,
  ranges: 48,
} as const

export const MAX_ARGUMENTS = JOB.ranges - JOB.arguments
export const MAX_PARTS = 256
export const CONTROL_WORDS = JOB.ranges + 2 * MAX_PARTS
