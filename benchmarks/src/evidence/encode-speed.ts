import type { Encoder } from '@nnz/models'

const SENTENCES = 32
const TOKENS = 64
const RUNS = 4

/**
 * Sentences of 64 tokens that an encoder takes in a second, in batches of 32 on one thread, and megabytes of packed weights.
 * Processor time counts, of the fastest run: others may share the machine.
 */
export function encodeSpeed(encoder: Encoder, tokens: readonly number[]): Record<string, number> {
  const length = Math.min(TOKENS, encoder.config.positions)
  const batch = Array.from({ length: SENTENCES }, (_, sentence) =>
    Array.from({ length }, (__, i) => tokens[(sentence * length + i) % tokens.length]!),
  )
  encoder.encodeTokens(batch)
  let best = Number.POSITIVE_INFINITY
  for (let run = 0; run < RUNS; run++) {
    const before = process.cpuUsage()
    encoder.encodeTokens(batch)
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / 1e6)
  }
  return { 'sentences/s (32 x 64 tokens, 1 thread)': SENTENCES / best, 'MB of weights': encoder.memory.weights / 1e6 }
}
