import { rangeError } from '@nnz/core'
import { countsByMagnitude, countsBySensitivity, countsByShape, entriesOf } from '../allocation/allocate.ts'
import { expectLayer } from '../layer.ts'
import { expectSparsity } from '../methods/options.ts'
import type { PrunableLayer, PrunableNetwork } from '../network.ts'
import { keptOf, patternName, unitsOf } from '../pattern/pattern.ts'
import { OutputError } from '../sample.ts'
import { StageInputs } from './inputs.ts'
import { type CheckedOptions, checkOptions, type PruneOptions } from './options.ts'
import { pruneLayer, STATISTICS } from './prune-layer.ts'
import { type LayerReport, layerReport, type PruneReport, totalOf } from './report.ts'
import { sensitivityOf } from './sensitivity.ts'

/**
 * Prunes all layers of a network, one stage after the other, each on inputs that the pruned stages before it give. The
 * calibration data is streamed once, and once more for allocation by sensitivity; `magnitude` needs it only for what is
 * measured. Weights are replaced through the layers' `set`.
 *
 * @throws TypeError or RangeError if an option is wrong, names of layers are not their own, or weights are not finite
 */
export async function pruneNetwork(network: PrunableNetwork, options: PruneOptions): Promise<PruneReport> {
  const start = performance.now()
  const checked = checkOptions(options)
  const stages = network.stages.map((stage) => stage.filter((layer) => checked.select?.(layer) ?? true))
  const layers = stages.flat()
  expectNames(layers)
  const counts = await keptCounts(network, stages, checked)
  const reports: LayerReport[] = []

  async function finish(layer: PrunableLayer, inputs: StageInputs): Promise<void> {
    const known = checked.finished?.get(layer.name)
    const { weights, report, quantised } = known
      ? { weights: known, report: taken(layer, known), quantised: undefined }
      : prunedLayer(layer, inputs, counts.get(layer) ?? 0, checked)
    layer.set(weights)
    reports.push(report)
    if (!known) await checked.onLayer?.(report, weights, quantised)
    checked.onProgress?.({ done: reports.length, total: layers.length, layer: report })
  }

  const inputs = new StageInputs({ statistics: STATISTICS[checked.method], sample: checked.measure })
  const pending = new Set(layers.filter(({ name }) => !checked.finished?.has(name)))
  const finishStage = async (stage: number) => {
    for (const layer of stages[stage]) await finish(layer, inputs)
    inputs.clear()
  }
  if (checked.method === 'magnitude' && !checked.measure) for (const stage of stages.keys()) await finishStage(stage)
  else {
    await network.stream({
      observe(layer, x) {
        if (pending.has(layer)) inputs.observe(layer, x)
      },
      finished: finishStage,
    })
  }
  return {
    method: checked.method,
    pattern: patternName(checked.pattern),
    allocation: typeof checked.allocation === 'string' ? checked.allocation : 'given',
    layers: reports,
    total: totalOf(reports, seconds(start)),
  }
}

function seconds(start: number): number {
  return (performance.now() - start) / 1000
}

function expectNames(layers: readonly PrunableLayer[]): void {
  const names = new Set<string>()
  for (const layer of layers) {
    if (names.has(layer.name))
      throw rangeError('NNZ_VALUE', `pruneNetwork: two layers are called ${JSON.stringify(layer.name)}`)
    names.add(layer.name)
    expectLayer(layer, `pruneNetwork: ${layer.name}`)
  }
}

/** How many entries each layer keeps; nothing where the pattern says it. */
async function keptCounts(
  network: PrunableNetwork,
  stages: readonly (readonly PrunableLayer[])[],
  options: CheckedOptions,
): Promise<ReadonlyMap<PrunableLayer, number>> {
  const { allocation, pattern, sparsity = 0 } = options
  const layers = stages.flat()
  if (unitsOf(pattern, 'pruneNetwork').nm) return new Map()
  const counts = async (): Promise<number[]> => {
    if (typeof allocation === 'object') return layers.map((layer) => givenCount(layer, allocation))
    if (allocation === 'global') return countsByMagnitude(layers, sparsity)
    if (allocation !== 'sensitivity') return countsByShape(layers, sparsity, allocation)
    const curves = await measuredCurves(network, stages, options)
    return countsBySensitivity(curves, keptOf(entriesOf(layers), sparsity))
  }
  return new Map((await counts()).map((count, i) => [layers[i], count]))
}

function givenCount({ name, rows, columns }: PrunableLayer, sparsities: Readonly<Record<string, number>>): number {
  if (!Object.hasOwn(sparsities, name))
    throw rangeError('NNZ_VALUE', `pruneNetwork: allocation has no sparsity for the layer ${JSON.stringify(name)}`)
  return keptOf(rows * columns, expectSparsity(sparsities[name], `pruneNetwork: allocation: ${name}`))
}

/** One pass of the calibration data through the network as it is. */
async function measuredCurves(
  network: PrunableNetwork,
  stages: readonly (readonly PrunableLayer[])[],
  options: CheckedOptions,
) {
  const inputs = new StageInputs({ sample: true })
  const wanted = new Set(stages.flat())
  const curves: ReturnType<typeof sensitivityOf>[] = []
  await network.stream({
    observe(layer, x) {
      if (wanted.has(layer)) inputs.observe(layer, x)
    },
    finished(stage) {
      for (const layer of stages[stage]) {
        const sample = inputs.of(layer)?.sample
        if (!sample) throw rangeError('NNZ_VALUE', `pruneNetwork: ${layer.name}: the network told of no inputs`)
        curves.push(sensitivityOf(layer, sample, options))
      }
      inputs.clear()
    },
  })
  return curves
}

function prunedLayer(layer: PrunableLayer, inputs: StageInputs, kept: number, options: CheckedOptions) {
  const start = performance.now()
  const { statistics, sample } = inputs.of(layer) ?? {}
  const { weights, quantised } = pruneLayer(layer, statistics, kept, options)
  const time = seconds(start)
  const error = sample ? Math.sqrt(new OutputError(layer, sample.inputs()).of(weights)) : null
  return { weights, quantised, report: layerReport(layer, weights, { error, seconds: time }) }
}

/** What can be said of a layer that was pruned before. */
function taken(layer: PrunableLayer, weights: Float32Array): LayerReport {
  if (weights.length !== layer.weights.length)
    throw rangeError(
      'NNZ_SHAPE',
      `pruneNetwork: finished: ${layer.name} has ${weights.length} weights, expected ${layer.weights.length}`,
    )
  return layerReport(layer, weights, { error: null, seconds: 0 })
}
