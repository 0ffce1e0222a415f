import type { BenchRecord, Contender, Environment } from './schema.ts'

/** The id of a measurement: the same contender on the same workload has the same id in every run. */
export function recordId(workloadId: string, contender: Contender, cache: BenchRecord['cache']): string {
  const settings = Object.entries(contender.settings)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
  return [workloadId, contender.name, contender.dtype, `t${contender.threads}`, cache, ...settings].join('|')
}

/** `2026-11-24-dbeffa9d11-quick` or, of one shard, `2026-11-24-dbeffa9d11-full-2of4`: the name of a run's files. */
export function runName({ date, source, suite, shard }: Environment): string {
  return [date.slice(0, 10), revisionOf(source), suite, ...(shard === null ? [] : [shard])].join('-')
}

function revisionOf({ commit, version }: Environment['source']): string {
  return commit?.slice(0, 10) ?? `v${version}`
}

/** Why records of this environment are not official, or null where they are. */
export function unofficialReason({ source }: Environment): string | null {
  if (source.commit === null) return 'the commit is unknown'
  return source.dirty === false ? null : 'the working tree differed from the commit'
}

/** What must be the same for two runs to be one: the machine, the runtime and every line of code. Null where all is; else what differs. */
export function environmentDifference(a: Environment, b: Environment): string | null {
  const parts = (e: Environment) => ({
    machine: [e.machine, e.cpu.model, e.cpu.logicalCores],
    suite: [e.suite, e.shard],
    runtime: [e.runtime.name, e.runtime.version],
    commit: [e.source.commit, e.source.dirty, e.source.version],
    'benchmark code': e.source.bench,
    kernels: Object.entries(e.source.kernels).sort(),
    GPU: e.gpu,
  })
  const [left, right] = [parts(a), parts(b)]
  const differing = Object.keys(left).filter((key) => {
    const name = key as keyof typeof left
    return JSON.stringify(left[name]) !== JSON.stringify(right[name])
  })
  return differing.length === 0 ? null : differing.join(', ')
}
