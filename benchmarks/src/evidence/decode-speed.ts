import type { Decoder } from '@nnz/models'

const WARM_UP = 8
const GROUPS = 6
const GROUP = 5

/**
 * Tokens that a decoder makes in a second at batch 1, and megabytes of the packed weights that each step reads, the head
 * included. The fastest of some groups of tokens: others may share the machine.
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
      const start = performance.now()
      for (let i = 0; i < GROUP; i++) step()
      best = Math.min(best, (performance.now() - start) / GROUP)
    }
    const { decode, head } = decoder.memory
    return { 'tokens/s (decode, 1 thread)': 1000 / best, 'MB of weights': (decode + head) / 1e6 }
  } finally {
    session.dispose()
  }
}
