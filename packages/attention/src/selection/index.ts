import { pooled } from './pooled.ts'

/** Ways of choosing blocks from q and k at run time; each returns a mask and what it took to make it. */
export const selection = Object.freeze({ pooled })
