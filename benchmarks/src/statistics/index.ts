export {
  bootstrapMedians,
  type Interval,
  intervalOf,
  medianOf,
  overlaps,
  ratioInterval,
  type Samples,
} from './bootstrap.ts'
export { type Comparison, compareRuns, type Noise, noiseOf, type RunComparison } from './compare.ts'
export { type Crossover, crossover, type SpeedUpAt } from './crossover.ts'
export { limitOf } from './roofline.ts'
export { geometricMean, medianOrNull, type Timing, timingOf } from './summary.ts'
