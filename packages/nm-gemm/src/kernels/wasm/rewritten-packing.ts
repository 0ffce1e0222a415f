import { type PackedForm, StreamPacking, type WasmBackend } from '@nnz/core'
import type { CompactNmWeights } from '../../problem.ts'
import { requantised } from '../compact/values.ts'

/** Compact weights in a form that is laid out again where values change. */
export class RewrittenPacking<G> extends StreamPacking<G> {
  readonly #weights: CompactNmWeights
  readonly #layOut: (w: CompactNmWeights) => PackedForm<G>

  /** @param layOut the form, whose size depends on the pattern only */
  constructor(backend: WasmBackend, w: CompactNmWeights, layOut: (w: CompactNmWeights) => PackedForm<G>) {
    super(backend, undefined, () => layOut(w))
    this.#weights = w
    this.#layOut = layOut
  }

  override updateValues(values: Float32Array): void {
    this.rewrite(this.#layOut(requantised(this.#weights, values)))
  }
}
