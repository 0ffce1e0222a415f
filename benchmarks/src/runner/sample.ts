import { Bench } from 'tinybench'

type Run = () => void | Promise<void>

/** Steps of the clock that a sample takes at least: what one step is off is then a few percent. */
const STEPS = 50

/**
 * How often a contender runs within one sample, so that the clock can tell how long it took. Browsers round theirs, to
 * protect against timing attacks; in Node.js one run is nearly always enough.
 */
export function iterationsFor(milliseconds: number, resolution = clockResolution()): number {
  return Math.max(1, Math.ceil((STEPS * resolution) / Math.max(milliseconds, resolution / STEPS)))
}

let known: number | undefined

/** Milliseconds of the smallest step that `performance.now` makes here. */
export function clockResolution(): number {
  if (known !== undefined) return known
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 20; i++) {
    const start = performance.now()
    let now = start
    while (now === start) now = performance.now()
    least = Math.min(least, now - start)
  }
  known = least
  return least
}

/** Nanoseconds of each run during about so many milliseconds, every sample kept; a sample is the mean of its runs. */
export async function sampleRuns(run: Run, milliseconds: number, iterations = 1): Promise<number[]> {
  const bench = new Bench({ time: milliseconds, iterations: 1, warmup: false, retainSamples: true, throws: true })
  // Asked here, since tinybench would ask by a run that it does not wait for: the first sample of a runtime that works off
  // one run after the other would then hold two.
  const first = run()
  const async = first instanceof Promise
  await first
  bench.add('run', iterations === 1 ? run : repeated(run, iterations), { async })
  await bench.run()
  const result = bench.tasks[0].result
  if (!('latency' in result) || result.latency.samples === undefined)
    throw new Error(`tinybench ended in state ${result.state}`)
  return result.latency.samples.map((ms) => (ms * 1e6) / iterations)
}

/** Waits between runs only for those that return a promise. */
function repeated(run: Run, times: number): Run {
  return () => {
    for (let i = 1; i < times; i++) {
      const result = run()
      if (result instanceof Promise) return result.then(() => awaited(run, times - i))
    }
    return run()
  }
}

async function awaited(run: Run, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await run()
}
