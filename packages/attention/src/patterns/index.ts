import { butterfly, randomBlocks } from './blocks.ts'
import { clusters } from './clusters.ts'
import { fixed, strided } from './factorised.ts'
import { perHead } from './per-head.ts'
import { blockDiagonal, globalTokens } from './segments.ts'
import { causal, powerOfTwo, slidingWindow } from './windows.ts'

/**
 * Patterns that do not look at q and k, as block masks: blocks that are empty or full cost nothing to find, equal element masks
 * are stored once. `blockMask.or` and `blockMask.and` join them, `perHead` gives each head its own.
 *
 * Query i of n stands at key i + (columns - n), as in `attention`. Each throws TypeError if an option is of the wrong kind, and
 * RangeError if it is out of range.
 */
export const patterns = Object.freeze({
  causal,
  slidingWindow,
  strided,
  fixed,
  powerOfTwo,
  blockDiagonal,
  globalTokens,
  clusters,
  randomBlocks,
  butterfly,
  perHead,
})
