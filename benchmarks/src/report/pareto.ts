/** One thing that is compared by two figures. */
export interface Candidate {
  readonly x: number
  readonly y: number
}

/** Which way each axis is better. */
export interface Directions {
  readonly lessX: boolean
  readonly lessY: boolean
}

/**
 * The candidates that no other one beats: none is at least as good in both figures and better in one. Of several that are
 * equal in both, all are kept.
 *
 * @returns from the best x to the worst, and so from the worst y to the best
 */
export function paretoFront<T extends Candidate>(candidates: readonly T[], { lessX, lessY }: Directions): T[] {
  const [signX, signY] = [lessX ? 1 : -1, lessY ? 1 : -1]
  const ordered = [...candidates].sort((a, b) => signX * (a.x - b.x) || signY * (a.y - b.y))
  const front: T[] = []
  for (const candidate of ordered) {
    const last = front.at(-1)
    if (last === undefined || signY * (candidate.y - last.y) < 0 || (candidate.x === last.x && candidate.y === last.y))
      front.push(candidate)
  }
  return front
}
