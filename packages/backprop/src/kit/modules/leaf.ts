import { type Tensor, typeError } from '@nnz/core'
import { expectShaped } from '../../checks.ts'
import { type BackwardOptions, type ForwardOptions, type Module, noWork } from '../module.ts'
import type { Parameter } from '../parameter.ts'

type Shape = readonly [rows: number, columns: number]

/** What modules without parts have in common: saved arrays that one backward pass takes. */
export abstract class Leaf<Saved> implements Module {
  readonly parts: readonly Module[] = []
  readonly work = noWork()
  #kept: { readonly saved: Saved; readonly arrays: readonly ArrayBufferView[]; readonly shape: Shape } | undefined

  abstract readonly parameters: readonly Parameter[]
  abstract forward(x: Tensor, options?: ForwardOptions): Tensor
  abstract backward(dy: Tensor, options?: BackwardOptions): Tensor | undefined

  get saved(): readonly ArrayBufferView[] {
    return this.#kept?.arrays ?? []
  }

  get packedBytes(): number {
    return 0
  }

  dispose(): void {
    for (const part of this.parts) part.dispose()
  }

  /** Keeps what `backward` needs, made of these arrays, and the shape of the output; forgets what was kept before. */
  protected keep(saved: Saved, arrays: readonly ArrayBufferView[], shape: Shape): void {
    this.#kept = { saved, arrays, shape }
  }

  protected forget(): void {
    this.#kept = undefined
  }

  /**
   * Gives out what was kept, once.
   *
   * @param dy has to have the shape of the output; else what was kept stays
   * @throws TypeError if there is nothing, or dy is not a matrix
   * @throws RangeError if dy has another shape
   */
  protected take(dy: Tensor, name: string): Saved {
    const kept = this.#kept
    if (!kept) throw typeError('NNZ_TYPE', `${name}: backward needs a forward pass before it that saves`)
    expectShaped(dy, kept.shape, `${name}: dy`)
    this.#kept = undefined
    return kept.saved
  }
}
