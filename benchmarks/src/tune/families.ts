import { attentionBackwardFamily, attentionFamily, decodeFamily } from './attention.ts'
import { sddmmFamily } from './backprop.ts'
import type { TuneFamily } from './family.ts'
import { nmFamily } from './nm-gemm.ts'
import { spmmFamily } from './spmm.ts'

/** Every kernel whose costs are fitted, package by package. */
export const families: readonly TuneFamily[] = [
  spmmFamily,
  nmFamily,
  attentionFamily,
  attentionBackwardFamily,
  decodeFamily,
  sddmmFamily,
]
