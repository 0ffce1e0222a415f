import type { Tensor } from '@nnz/core'
import { expectArguments } from './arguments.ts'
import type { Parameter } from './parameter.ts'

/** Multiply-adds that a module has done, by what they were for. */
export interface Work {
  forward: number
  /** Gradients of inputs. */
  inputGradient: number
  /** Gradients of parameters. */
  weightGradient: number
}

/** Options of a forward pass. */
export interface ForwardOptions {
  /** Keep what `backward` needs. Default: true. */
  readonly save?: boolean
  /** Whether `backward` will be asked for the gradient of the input, too. Default: true. */
  readonly input?: boolean
  /**
   * Where sequences of different lengths begin among the rows, and the end of the last: for modules that mix tokens. Default:
   * every sequence has the length that the module was made for.
   */
  readonly sequenceOffsets?: readonly number[] | undefined
}

/** Options of a backward pass. */
export interface BackwardOptions {
  /** Compute the gradient of the input; as in the forward pass. Default: true. */
  readonly input?: boolean
  /**
   * Set `gradientEverywhere` of sparse parameters too, as growing entries by gradients needs at the steps where the pattern
   * changes: dense products. Default: false.
   */
  readonly everywhere?: boolean
}

/**
 * A part of a network. Activations are matrices [tokens, features] (for images [images, channels · height · width]).
 *
 * `forward` keeps what the next `backward` needs and no more; `backward` takes the gradient of the loss by the output,
 * sets `gradient` of each parameter that is trained (it replaces the last one), and returns the gradient by the input.
 * What a module does not train costs no gradient, no state and no saved activation.
 */
export interface Module {
  /** Those of all parts, in a fixed order; their names are unique in a network. */
  readonly parameters: readonly Parameter[]
  /** The modules that this one is made of. */
  readonly parts: readonly Module[]
  /** Done since it was made, parts not included. */
  readonly work: Work
  /** Arrays kept for the next backward pass, parts not included; several modules may keep the same one. */
  readonly saved: readonly ArrayBufferView[]
  /** Bytes of packed weights, parts not included. */
  readonly packedBytes: number
  forward(x: Tensor, options?: ForwardOptions): Tensor
  /** @returns undefined where `input` is false */
  backward(dy: Tensor, options?: BackwardOptions): Tensor | undefined
  /** Releases packed weights, of the parts too; they are packed again if the module is used again. */
  dispose(): void
}

/** A new count of work. */
export function noWork(): Work {
  return { forward: 0, inputGradient: 0, weightGradient: 0 }
}

/** A module and all its parts, outermost first. */
export function* everyModule(module: Module): Generator<Module> {
  expectArguments('everyModule', { module: { module } })
  yield module
  for (const part of module.parts) yield* everyModule(part)
}

/** Whether anything in a module is trained. */
export function isTrained(module: Module): boolean {
  expectArguments('isTrained', { module: { module } })
  return module.parameters.some(({ count }) => count > 0)
}
