import { isCompact } from '../compact/layout.ts'
import { describe, typeError } from '../errors.ts'
import { type Bsr, bsr, type CompactBsr } from './bsr.ts'
import { checked } from './checks.ts'
import { type CompactCsr, type Csr, csr } from './csr.ts'
import { type CompactNm, type Nm, nm } from './nm.ts'
import { type CompactNmg, type Nmg, nmg } from './nmg.ts'

/**
 * The layout itself if a constructor of this copy of core has checked it, else a checked record of its parts: kernels
 * trust indices.
 *
 * @throws TypeError if its values are compact
 */
export function ensureChecked(w: Csr | Bsr): Csr | Bsr {
  if (isCompact<Csr | Bsr>(w))
    throw typeError('NNZ_TYPE', `expected f32 values, got ${describe(w)}; ${w.layout}.toFloat32(w) has them`)
  return ensureCheckedValues(w) as Csr | Bsr
}

/** As {@link ensureChecked}, for kernels that read compact values, too. */
export function ensureCheckedValues(w: Csr | Bsr | CompactCsr | CompactBsr): Csr | Bsr | CompactCsr | CompactBsr {
  if (checked.has(w)) return w
  return w.layout === 'csr' ? csr(w as Csr) : bsr(w as Bsr)
}

/** As {@link ensureCheckedValues}, for N:M weights. */
export function ensureCheckedNm(w: Nm | Nmg | CompactNm | CompactNmg): Nm | Nmg | CompactNm | CompactNmg {
  if (checked.has(w)) return w
  return w.layout === 'nm' ? nm(w) : nmg(w)
}
