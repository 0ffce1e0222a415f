import { geometricMean } from '../statistics/index.ts'
import { significant, sparsityLabel, times, withInterval } from './format.ts'
import { placeName } from './labels.ts'
import { lessIsBetter, usualAxes } from './metrics.ts'
import type { QualitySection } from './quality.ts'
import type { Row } from './rows.ts'

/** Sparsities that headlines name, beside dense. */
const SPARSITIES = [0.5, 0.7, 0.9]
/** Layers are pruned to whole entries, so sparsities of networks are never round. */
const NEAR = 0.015
/** Operations that run a whole network. */
const WHOLE = new Set(['encode', 'generate'])

/** One line for each network whose quality and speed were measured: dense, then the best method at some sparsities. */
export function modelHeadlines(sections: readonly QualitySection[], rows: readonly Row[]): string[] {
  return sections.flatMap((section) => {
    const { place, model, metrics, lines, judgedOn } = section
    const { x, y } = usualAxes(metrics)
    if (x === null) return []
    const [speed, score] = [metrics.indexOf(x), metrics.indexOf(y)]
    const places = lines.flatMap(({ label, points }) => points.map((point) => ({ label, point })))
    const judged = places.filter(({ point }) => point.figures[score] && point.figures[speed])
    const sign = lessIsBetter(y) ? 1 : -1
    judged.sort((a, b) => sign * (a.point.figures[score]!.value - b.point.figures[score]!.value))
    const dense = judged.find(({ label }) => label === 'dense')
    if (dense === undefined) return []
    const words = SPARSITIES.flatMap((sparsity) => {
      const best = judged.find(({ point }) => Math.abs(point.sparsity - sparsity) < NEAR)
      if (best === undefined) return []
      const over = overOthers(rows, { place, model, sparsity })
      const rate = significant(best.point.figures[speed]!.value)
      const ratio = over === null ? '' : `, ${times(over)} the fastest dense WASM of others`
      return [
        `${sparsityLabel(sparsity)} (${best.label}) ${withInterval(best.point.figures[score])} at ${rate}${ratio}`,
      ]
    })
    if (words.length === 0) return []
    const [quality, rate] = [withInterval(dense.point.figures[score]), significant(dense.point.figures[speed]!.value)]
    return [
      `**${model}** on ${place}: ${y} against ${x}, judged on ${judgedOn}: dense ${quality} at ${rate}; ${words.join('; ')}.`,
    ]
  })
}

/** How many times as fast as the fastest dense WASM runtime of others a whole network is, on one thread; null where that was not measured. */
function overOthers(rows: readonly Row[], at: { place: string; model: string; sparsity: number }): number | null {
  const ratios = rows.flatMap(({ run, record, speedUps }) => {
    const { workload, problem, contender } = record
    const same =
      placeName(run.environment) === at.place &&
      workload.model === at.model &&
      Math.abs(problem.sparsity - at.sparsity) < NEAR
    const ours = contender.class === 'nnz-wasm' && contender.threads === 1 && WHOLE.has(record.operation)
    return same && ours ? (speedUps.get('wasm')?.ratio ?? []) : []
  })
  return geometricMean(ratios)
}
