import { assigned } from './assign.ts'
import { exact } from './exact.ts'
import { flexible } from './flexible.ts'
import { gated } from './gated.ts'
import { perEntry } from './per-entry.ts'
import { pooled } from './pooled.ts'
import { stripes } from './stripes.ts'
import { verticalSlash } from './vertical-slash.ts'

/** Ways of choosing blocks from q and k at run time; each returns a mask and what it took to make it. */
export const selection = Object.freeze({ pooled, gated, verticalSlash, stripes, flexible, exact, assigned, perEntry })
