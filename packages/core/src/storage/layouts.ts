import { bsr } from '../layouts/bsr.ts'
import { coo } from '../layouts/coo.ts'
import { csc } from '../layouts/csc.ts'
import { csr } from '../layouts/csr.ts'
import { dense } from '../layouts/dense.ts'
import { nm } from '../layouts/nm.ts'
import { nmg } from '../layouts/nmg.ts'
import type { Storable } from './storable.ts'

/** How a layout joins files: its arrays and its numbers are stored by their names, so that little is left to say. */
export interface StoredLayout {
  /** The `layout` tag of its records. */
  readonly layout: string
  /** Its constructor: it checks what was read, which nobody trusts. */
  readonly create: (parts: never) => Storable
  /** Indices that rise strictly inside the groups of an array of offsets: they are stored as gaps where that is smaller. */
  readonly rising?: { readonly indices: string; readonly offsets: string }
}

/** The layouts that `save` and `load` know. */
export const STORED_LAYOUTS: readonly StoredLayout[] = [
  { layout: 'csr', create: csr, rising: { indices: 'columnIndices', offsets: 'rowOffsets' } },
  { layout: 'csc', create: csc, rising: { indices: 'rowIndices', offsets: 'columnOffsets' } },
  { layout: 'bsr', create: bsr, rising: { indices: 'columnIndices', offsets: 'rowOffsets' } },
  { layout: 'coo', create: coo },
  { layout: 'dense', create: dense },
  { layout: 'nm', create: nm },
  { layout: 'nmg', create: nmg },
]
