import { type Tensor, typeError } from '@nnz/core'
import { type BackwardOptions, type ForwardOptions, type Module, noWork } from '../module.ts'
import type { Parameter } from '../parameter.ts'

/** What modules without parts have in common: saved arrays that one backward pass takes. */
export abstract class Leaf<Saved> implements Module {
  readonly parts: readonly Module[] = []
  readonly work = noWork()
  #kept: { readonly saved: Saved; readonly arrays: readonly ArrayBufferView[] } | undefined

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

  /** Keeps what `backward` needs, made of these arrays; forgets what was kept before. */
  protected keep(saved: Saved, arrays: readonly ArrayBufferView[]): void {
    this.#kept = { saved, arrays }
  }

  protected forget(): void {
    this.#kept = undefined
  }

  /** Gives out what was kept, once. Throws TypeError if there is nothing. */
  protected take(name: string): Saved {
    const kept = this.#kept
    if (!kept) throw typeError('NNZ_TYPE', `${name}: backward needs a forward pass before it that saves`)
    this.#kept = undefined
    return kept.saved
  }
}
