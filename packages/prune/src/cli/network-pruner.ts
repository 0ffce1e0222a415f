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
  const layers = new Map(network.stages.flat().map((layer) => [layer.name, layer]))
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
        async onLayer(report, weights) {
          const matrix = matrixOf.get(report.name)!
          await store(matrix, report, weights)
          // Later layers see what was stored, in this run as in one that goes on with it.
          if (isHalf(matrix)) layers.get(report.name)!.set((await finished(matrix))!)
        },
      })
    },
  }
}

/** Whether weights that a method changed are rounded when they are stored. */
function isHalf({ entry: { dtype } }: Matrix): boolean {
  return dtype === 'F16' || dtype === 'BF16'
}
