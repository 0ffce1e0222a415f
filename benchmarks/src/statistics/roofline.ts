import type { BenchRecord, Peak } from '../records/schema.ts'

/** The least time that a peak allows for so much work: the greater of computing and moving (Williams et al. 2009). */
export function limitOf(flops: number, bytes: number, peak: Peak): BenchRecord['limit'] {
  const [compute, memory] = [(flops / peak.flopsPerSecond) * 1e9, (bytes / peak.bytesPerSecond) * 1e9]
  const ns = Math.max(compute, memory)
  if (!(ns > 0)) return null
  return { peak: `${peak.name} x${peak.threads}`, boundBy: compute >= memory ? 'compute' : 'memory', ns }
}
