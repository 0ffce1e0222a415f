import type { TensorFile } from '@nnz/formats'
import { countsByMagnitude, countsByShape } from '../allocation/allocate.ts'
import { layerReport } from '../driver/report.ts'
import { expectLayer } from '../layer.ts'
import { magnitude } from '../methods/magnitude.ts'
import type { LayerWeights } from '../network.ts'
import { unitsOf } from '../pattern/pattern.ts'
import type { Matrix } from './choose.ts'
import type { FileOptions } from './options.ts'
import type { Pruner } from './pruner.ts'
import { readMatrix } from './stored.ts'

/**
 * Prunes matrices one by one, by magnitude: nothing is known of what goes through them.
 *
 * @throws RangeError if that is not enough for the method or the allocation
 */
export async function matrixPruner(
  file: TensorFile,
  matrices: readonly Matrix[],
  options: FileOptions,
): Promise<Pruner> {
  const { method, pattern, scope } = options
  if (method !== 'magnitude') throw new RangeError(`${method} needs text to calibrate with: --text <file>`)
  const kept = await counts(file, matrices, options)
  return {
    matrices,
    kept,
    async run({ finished, store }) {
      for (const [i, matrix] of matrices.entries()) {
        if (await finished(matrix)) continue
        const layer = await layerOf(file, matrix)
        const start = performance.now()
        const { weights } = magnitude(layer, { pattern, kept: kept?.[i], scope })
        const seconds = (performance.now() - start) / 1000
        await store(matrix, layerReport(layer, weights, { error: null, seconds }), weights)
      }
    },
  }
}

async function layerOf(file: TensorFile, matrix: Matrix): Promise<LayerWeights & { readonly name: string }> {
  const { entry, rows, columns } = matrix
  const layer = { name: entry.name, rows, columns, weights: await readMatrix(file, matrix) }
  expectLayer(layer, `${file.name}: ${entry.name}`)
  return layer
}

async function counts(
  file: TensorFile,
  matrices: readonly Matrix[],
  { pattern, allocation, sparsity }: FileOptions,
): Promise<number[] | undefined> {
  if (unitsOf(pattern, 'nnz-prune').nm) return undefined
  if (allocation === 'sensitivity')
    throw new RangeError('allocation by sensitivity needs text to calibrate with: --text <file>')
  if (allocation !== 'global') return countsByShape(matrices, sparsity!, allocation)
  const layers: LayerWeights[] = []
  for (const matrix of matrices) layers.push(await layerOf(file, matrix))
  return countsByMagnitude(layers, sparsity!)
}
