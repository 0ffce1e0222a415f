import { allocate } from '@nnz/backprop/kit'
import { describe, expectOptions, rangeError } from '@nnz/core'
import { magnitudesOf } from '../methods/magnitude.ts'
import { expectSparsity } from '../methods/options.ts'
import type { LayerWeights } from '../network.ts'
import { keptOf } from '../pattern/pattern.ts'
import { thresholdOf } from '../pattern/threshold.ts'

/** Extents of a layer. */
export type LayerShape = Pick<LayerWeights, 'rows' | 'columns'>

/**
 * How many entries each layer keeps at one sparsity over all of them; the sum is exact.
 *
 * - `uniform`: the same share of each;
 * - `erk`: density in proportion to (rows + columns) / (rows · columns), so that small layers lose less (Erdős–Rényi,
 *   SET, arXiv 1707.04780, and RigL, arXiv 1911.11134).
 *
 * @throws RangeError if the sparsity or the rule is none
 */
export function countsByShape(layers: readonly LayerShape[], sparsity: number, rule: 'uniform' | 'erk'): number[] {
  expectSparsity(sparsity, 'countsByShape')
  const shapes = layers.map(({ rows, columns }) => [rows, columns])
  return allocate(shapes, 1 - sparsity, rule)
}

/**
 * How many of each layer's weights are among the largest magnitudes of all layers together; of equal ones those of
 * earlier layers are. With these numbers {@link magnitude} is global magnitude pruning.
 *
 * @throws RangeError if the sparsity is none
 */
export function countsByMagnitude(layers: readonly LayerWeights[], sparsity: number): number[] {
  expectSparsity(sparsity, 'countsByMagnitude')
  const magnitudes = layers.map(({ weights }) => magnitudesOf(weights))
  const total = keptOf(entriesOf(layers), sparsity)
  if (total === 0) return layers.map(() => 0)
  const { value, ties } = thresholdOf(magnitudes, total)
  let left = ties
  return magnitudes.map((scores) => {
    let above = 0
    let equal = 0
    for (let i = 0; i < scores.length; i++) {
      if (scores[i] > value) above++
      else if (scores[i] === value) equal++
    }
    const taken = Math.min(equal, left)
    left -= taken
    return above + taken
  })
}

/** Places of all layers together. */
export function entriesOf(layers: readonly LayerShape[]): number {
  return layers.reduce((sum, { rows, columns }) => sum + rows * columns, 0)
}

/** What a layer's output loses, by how many entries it keeps. */
export interface SensitivityCurve {
  /** Places of the layer. */
  readonly places: number
  /** Measured points; keeping all costs nothing and keeping none costs 1, which need not be measured. */
  readonly points: readonly SensitivityPoint[]
}

/** One measured point. */
export interface SensitivityPoint {
  readonly kept: number
  /** Squared error of the output as a share of its square. */
  readonly error: number
}

/** A piece of a curve's lower hull: so many entries, each of which saves so much error. */
interface Segment {
  readonly layer: number
  readonly entries: number
  readonly saved: number
}

/**
 * The numbers of entries that make the sum of all layers' errors least (each curve taken as its lower convex hull): the
 * next entry always goes where it saves most, as a Lagrange multiplier would choose. The sum is exact.
 *
 * @param total entries that all layers keep together
 * @throws RangeError if `total` or a point is out of range
 */
export function countsBySensitivity(curves: readonly SensitivityCurve[], total: number): number[] {
  const places = curves.reduce((sum, curve) => sum + curve.places, 0)
  if (!Number.isInteger(total) || total < 0 || total > places)
    throw rangeError('NNZ_VALUE', `countsBySensitivity: expected a whole total in 0..${places}, got ${describe(total)}`)
  const segments = curves.flatMap(hullSegments)
  // Sorting is stable: pieces of one curve stay in order, and equal ones of several are taken in order of their layers.
  segments.sort((a, b) => b.saved - a.saved)
  const counts = curves.map(() => 0)
  let left = total
  for (const { layer, entries } of segments) {
    const taken = Math.min(entries, left)
    counts[layer] += taken
    left -= taken
  }
  return counts
}

function hullSegments(curve: SensitivityCurve, layer: number): Segment[] {
  expectOptions(curve, 'countsBySensitivity')
  for (const { kept, error } of curve.points) {
    if (!(Number.isInteger(kept) && kept >= 0 && kept <= curve.places && error >= 0 && Number.isFinite(error)))
      throw rangeError(
        'NNZ_VALUE',
        `countsBySensitivity: layer ${layer}: expected 0..${curve.places} kept and an error from 0 on, got ${describe(kept)} and ${describe(error)}`,
      )
  }
  const ends = [
    { kept: 0, error: 1 },
    { kept: curve.places, error: 0 },
  ]
  const inner = curve.points.filter(({ kept }) => kept > 0 && kept < curve.places)
  const points = [...ends, ...inner].sort((a, b) => a.kept - b.kept || a.error - b.error)
  const slope = (a: SensitivityPoint, b: SensitivityPoint) => (a.error - b.error) / (b.kept - a.kept)
  const hull: SensitivityPoint[] = []
  for (const point of points) {
    if (hull.at(-1)?.kept === point.kept) continue
    while (
      hull.length > 1 &&
      slope(hull[hull.length - 2], hull[hull.length - 1]) <= slope(hull[hull.length - 1], point)
    )
      hull.pop()
    hull.push(point)
  }
  return hull.slice(1).map((point, i) => ({ layer, entries: point.kept - hull[i].kept, saved: slope(hull[i], point) }))
}
