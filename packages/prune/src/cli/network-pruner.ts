import type { TensorFile } from '@nnz/formats'
import { pruneNetwork } from '../driver/prune-network.ts'
import type { PrunableNetwork } from '../network.ts'
import type { Matrix } from './choose.ts'
import type { FileOptions } from './options.ts'
import type { Pruner } from './pruner.ts'

/**
 * Prunes matrices as layers of the network that they make up, on what goes through it.
 *
 * @throws RangeError if a matrix that was asked for by name is no layer of the network
 */
export function networkPruner(
  file: TensorFile,
  chosen: readonly Matrix[],
  network: PrunableNetwork,
  options: FileOptions,
): Pruner {
  const layers = new Set(network.stages.flat().map(({ name }) => name))
  const matrixOf = new Map<string, Matrix>()
  for (const matrix of chosen) {
    const { name } = matrix.entry
    // Checkpoints with a head name the encoder before its layers.
    const stem = name.replace(/\.weight$/, '')
    const layer = [name, stem, stem.replace(/^bert\./, '')].find((candidate) => layers.has(candidate))
    if (layer !== undefined) matrixOf.set(layer, matrix)
    else if (options.include.length > 0) throw new RangeError(`${file.name}: ${name} is no linear layer of the network`)
  }
  if (matrixOf.size === 0)
    throw new RangeError(`${file.name}: none of the chosen tensors is a linear layer of the network`)
  const { method, pattern, sparsity, allocation, scope, quantise, refine } = options
  return {
    matrices: [...matrixOf.values()],
    kept: undefined,
    async run({ finished, store }) {
      const known = new Map<string, Float32Array>()
      for (const [name, matrix] of matrixOf) {
        const weights = await finished(matrix)
        if (weights) known.set(name, weights)
      }
      await pruneNetwork(network, {
        method,
        pattern,
        sparsity,
        allocation,
        scope,
        quantise,
        refine,
        finished: known,
        select: ({ name }) => matrixOf.has(name),
        onLayer: (report, weights) => store(matrixOf.get(report.name)!, report, weights),
      })
    },
  }
}
