import { Bench } from 'tinybench'

/** Nanoseconds of each run during about so many milliseconds, every sample kept. */
export async function sampleRuns(run: () => void | Promise<void>, milliseconds: number): Promise<number[]> {
  const bench = new Bench({ time: milliseconds, iterations: 1, warmup: false, retainSamples: true, throws: true })
  bench.add('run', run)
  await bench.run()
  const result = bench.tasks[0].result
  if (!('latency' in result) || result.latency.samples === undefined)
    throw new Error(`tinybench ended in state ${result.state}`)
  return result.latency.samples.map((ms) => ms * 1e6)
}
