import { type Pattern, unitsOf } from '../pattern/pattern.ts'
import { type Scope, selectMask } from '../pattern/select.ts'
import type { Chooser } from './eliminate.ts'
import type { Hessian } from './hessian.ts'

/** What is to be kept of a layer: options of {@link selectMask}. */
export interface Choice {
  readonly rows: number
  readonly pattern: Pattern
  readonly kept: number
  readonly scope: Scope
}

/** Columns for which an unstructured mask is chosen at once: with fewer the choice knows more of earlier removals. */
const COLUMNS = 8

/** Columns for which the mask is chosen at once: m, or whole units. */
export function choiceColumns(pattern: Pattern): number {
  const { width, nm } = unitsOf(pattern, 'sparsegpt')
  return nm ? nm.m : Math.ceil(COLUMNS / width) * width
}

/**
 * What removing each weight of some columns costs in output error if later weights compensate it; the root of it.
 *
 * @returns [rows, end - begin]
 */
function saliencies(weights: Float32Array, rows: number, hessian: Hessian, begin: number, end: number): Float32Array {
  const { columns, factor } = hessian
  const scores = new Float32Array(rows * (end - begin))
  for (let row = 0, i = 0; row < rows; row++)
    for (let column = begin; column < end; column++, i++)
      scores[i] = Math.abs(weights[row * columns + column]) / factor[column * columns + column]
  return scores
}

/**
 * Chooses the mask by saliency. How many units are kept of some columns follows beforehand from the saliencies of the
 * whole layer; which ones they are, from the weights as they are when the columns are reached.
 *
 * @param weights before pruning
 */
export function chooserOf(weights: Float32Array, hessian: Hessian, choice: Choice): Chooser {
  const { rows, pattern, scope } = choice
  const { columns } = hessian
  const { height, width, nm } = unitsOf(pattern, 'sparsegpt')
  const whole = nm ? undefined : selectMask(saliencies(weights, rows, hessian, 0, columns), rows, columns, choice)
  /** Rows within which the number of units is settled. */
  const band = scope === 'row' ? height : rows

  /** The number of entries for which {@link selectMask} keeps as many units as `whole` does. */
  function keptOf(top: number, bottom: number, begin: number, end: number): number {
    if (!whole) return 0
    let units = 0
    for (let row = top; row < bottom; row += height)
      for (let column = begin; column < end; column += width) units += whole[row * columns + column]
    const all = Math.ceil((bottom - top) / height) * Math.ceil((end - begin) / width)
    return Math.round((units * (bottom - top) * (end - begin)) / all)
  }

  return (current, mask, begin, end) => {
    const scores = saliencies(current, rows, hessian, begin, end)
    const across = end - begin
    for (let top = 0; top < rows; top += band) {
      const bottom = Math.min(top + band, rows)
      const kept = keptOf(top, bottom, begin, end)
      const part = selectMask(scores.subarray(top * across, bottom * across), bottom - top, across, { pattern, kept })
      for (let row = top; row < bottom; row++)
        mask.set(part.subarray((row - top) * across, (row - top + 1) * across), row * columns + begin)
    }
  }
}
