import { describe, expect, it } from 'vitest'
import { blockMask, patterns } from '../src/index.ts'

const size = { rows: 96, columns: 96, blockShape: [4, 4] }

/** `vitest -u` draws the pictures of the README anew. */
describe('pictures of patterns', () => {
  it.each([
    ['causal', patterns.causal(size)],
    ['slidingWindow', patterns.slidingWindow({ ...size, window: 16, sinks: 4 })],
    ['strided', patterns.strided({ ...size, stride: 12 })],
    ['fixed', patterns.fixed({ ...size, stride: 16, summary: 4 })],
    ['powerOfTwo', patterns.powerOfTwo({ ...size, unit: 4 })],
    ['blockDiagonal', patterns.blockDiagonal({ ...size, segments: 24 })],
    ['globalTokens', patterns.globalTokens({ ...size, tokens: [0, 1, 2, 3, 50] })],
    ['clusters', patterns.clusters({ ...size, ...clustersOf(96) })],
    ['randomBlocks', patterns.randomBlocks({ ...size, perRow: 4, seed: 1 })],
    ['butterfly', patterns.butterfly({ ...size, stride: 16 })],
  ] as const)('%s', async (name, mask) => {
    await expect(`${blockMask.svg(mask, { width: 120 })}\n`).toMatchFileSnapshot(`../pictures/${name}.svg`)
  })
})

/** Runs of tokens in three clusters, by turns. */
function clustersOf(tokens: number) {
  const members = [0, 1, 2].map((cluster) =>
    Array.from({ length: tokens }, (_, token) => token).filter((token) => Math.floor(token / 12) % 3 === cluster),
  )
  return { queries: [members], keys: [members] }
}
