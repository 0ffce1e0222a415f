import {
  type Bsr,
  bsr,
  type Csr,
  csr,
  type Dense,
  dense,
  isTensor,
  type Nm,
  type Nmg,
  nm,
  nmg,
  rangeError,
} from '@nnz/core'
import { load, type Storable } from '@nnz/core/storage'
import type { WeightSource } from './weights.ts'

/** Key of the metadata of a file that holds layouts. */
export const LAYOUTS_KEY = 'nnz'

/** The tensors of a file that holds sparse layouts, as `save` of `@nnz/core/storage` and `nnz-prune --sparse` write it. */
export function storedWeights(
  bytes: Uint8Array,
  file: string,
): WeightSource & { readonly metadata: Map<string, string> } {
  const { weights, metadata } = load(bytes, { file })
  return {
    metadata,
    async read(name) {
      const found = weights.get(name)
      if (!found) throw rangeError('NNZ_VALUE', `${file}: there is no tensor ${JSON.stringify(name)}`)
      const data = isTensor(found) ? found.data : denseValues(found)
      return { name, shape: found.shape, data: data as Float32Array<ArrayBuffer> }
    },
  }
}

function denseValues(w: Storable): Float32Array {
  switch (w.layout) {
    case 'bsr':
      return bsr.toDense(bsr.toFloat32(w as Bsr))
    case 'nm':
      return nm.toDense(nm.toFloat32(w as Nm))
    case 'nmg':
      return nmg.toDense(nmg.toFloat32(w as Nmg))
    case 'dense':
      return dense.toFloat32(w as Dense).values
    default:
      return csr.toDense(csr.toFloat32(w as Csr))
  }
}
