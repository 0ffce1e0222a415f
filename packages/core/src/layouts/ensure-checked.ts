import { type Bsr, bsr } from './bsr.ts'
import { checked } from './checks.ts'
import { type Csr, csr } from './csr.ts'

/**
 * The layout itself if a constructor of this copy of core has checked it, else a checked record of its parts: kernels
 * trust indices.
 */
export function ensureChecked(w: Csr | Bsr): Csr | Bsr {
  if (checked.has(w)) return w
  return w.layout === 'csr' ? csr(w) : bsr(w)
}
