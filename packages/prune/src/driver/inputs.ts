import type { Tensor } from '@nnz/core'
import type { PrunableLayer } from '../network.ts'
import { InputSample } from '../sample.ts'
import { type LayerStatistics, StatisticsCollector } from '../statistics/collector.ts'

/** What is wanted of a layer's inputs. */
export interface Wanted {
  /** Sums over all tokens, with or without the Gram matrix. */
  readonly statistics?: 'norms' | 'gram' | undefined
  /** Some of the tokens, to measure outputs with. */
  readonly sample: boolean
}

/** What went into one layer, or into several that share an input. */
class Inputs {
  readonly #collector: StatisticsCollector | undefined
  readonly #sample: InputSample | undefined
  #statistics: LayerStatistics | undefined
  /** The layer whose batches are counted; the others that share them are not. */
  readonly owner: PrunableLayer
  last: Tensor | undefined

  constructor(owner: PrunableLayer, { statistics, sample }: Wanted) {
    this.owner = owner
    if (statistics) this.#collector = new StatisticsCollector(owner.columns, { gram: statistics === 'gram' })
    if (sample) this.#sample = new InputSample(owner.columns)
  }

  add(x: Tensor): void {
    this.#collector?.add(x)
    this.#sample?.add(x)
    this.last = x
  }

  get statistics(): LayerStatistics | undefined {
    return (this.#statistics ??= this.#collector?.statistics())
  }

  get sample(): InputSample | undefined {
    return this.#sample
  }
}

/** The inputs of one stage's layers. Those that are told the same tensor are collected once. */
export class StageInputs {
  readonly #wanted: Wanted
  #of = new Map<PrunableLayer, Inputs>()
  #latest: Inputs | undefined

  constructor(wanted: Wanted) {
    this.#wanted = wanted
  }

  observe(layer: PrunableLayer, x: Tensor): void {
    let inputs = this.#of.get(layer)
    if (!inputs) {
      inputs = this.#latest?.last === x ? this.#latest : new Inputs(layer, this.#wanted)
      this.#of.set(layer, inputs)
    }
    if (inputs.owner === layer) inputs.add(x)
    this.#latest = inputs
  }

  of(layer: PrunableLayer): Pick<Inputs, 'statistics' | 'sample'> | undefined {
    return this.#of.get(layer)
  }

  /** Forgets everything: the stage is finished. */
  clear(): void {
    this.#of.clear()
    this.#latest = undefined
  }
}
