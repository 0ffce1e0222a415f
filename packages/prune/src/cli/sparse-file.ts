import { bsr, csr, nm, nmg } from '@nnz/core'
import { type DescribedTensor, type Storable, save, type WrittenTensor, writeSafetensors } from '@nnz/core/storage'
import { bytesSource, openSafetensors } from '@nnz/formats'
import type { Pattern } from '../pattern/pattern.ts'

/** Pruned weights in the layout that suits their pattern; zeros are not stored. */
export function sparseLayout(weights: Float32Array, rows: number, columns: number, pattern: Pattern): Storable {
  const shape = [rows, columns]
  switch (pattern.kind) {
    case 'unstructured':
      return csr.fromDense(weights, shape)
    case 'nm':
      return nm.fromMasked(weights, weights, shape, pattern)
    case 'grouped-nm':
      return nmg.fromMasked(weights, weights, shape, { n: pattern.n, m: pattern.m, g: pattern.group })
    case 'block':
      return bsr.fromDense(weights, shape, [pattern.height, pattern.width])
    case 'column-vector':
      return bsr.fromDense(weights, shape, [pattern.height, 1])
  }
}

/** Types that `load` of `@nnz/core/storage` takes beside layouts. */
const LOADABLE = ['F32', 'F16', 'BF16']

/** Whether a tensor can stand beside layouts: whole numbers cannot. */
export function standsBeside({ dtype }: Pick<DescribedTensor, 'dtype'>): boolean {
  return LOADABLE.includes(dtype)
}

/** The bytes of a file that `load` of `@nnz/core/storage` reads: layouts, and other tensors as they are. */
export async function sparseFile(
  layouts: Iterable<readonly [name: string, layout: Storable]>,
  others: readonly WrittenTensor[],
  metadata: Readonly<Record<string, string>>,
): Promise<Uint8Array<ArrayBuffer>> {
  const stored = await openSafetensors(bytesSource(save(layouts, { metadata })))
  const tensors: WrittenTensor[] = [...others]
  for (const { name, dtype, shape } of stored.tensors.values())
    tensors.push({ name, dtype, shape, data: (await stored.readRaw(name)).data })
  return writeSafetensors(tensors, Object.fromEntries(stored.metadata))
}
