import type { Decoder } from '@nnz/models'

const WARM_UP = 8
const GROUPS = 10
const GROUP = 3

/**
 * Tokens that a decoder makes in a second of a core's time at batch 1, and megabytes of the packed weights that each step
 * reads, the head included. The fastest of some groups of tokens, by the time that this process computed: others may share
 * the machine for hours.
 */
export function decodeSpeed(decoder: Decoder, tokens: readonly number[]): Record<string, number> {
  const count = WARM_UP + GROUPS * GROUP
  const session = decoder.session(count)
  let at = 0
  const step = () => session.extend([tokens[at++ % tokens.length]])
  try {
    while (at < WARM_UP) step()
    let best = Number.POSITIVE_INFINITY
    for (let group = 0; group < GROUPS; group++) {
      const start = process.cpuUsage()
      for (let i = 0; i < GROUP; i++) step()
      const { user, system } = process.cpuUsage(start)
      best = Math.min(best, (user + system) / 1000 / GROUP)
    }
    const { decode, head } = decoder.memory
    return { 'tokens/s (decode, 1 thread)': 1000 / best, 'MB of weights': (decode + head) / 1e6 }
  } finally {
    session.dispose()
  }
}
