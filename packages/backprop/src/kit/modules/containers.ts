import { isTensor, rangeError, type Tensor, typeError, zeros } from '@nnz/core'
import { expectArguments, listOf } from '../arguments.ts'
import { type BackwardOptions, type ForwardOptions, isTrained, type Module, noWork } from '../module.ts'
import type { Parameter } from '../parameter.ts'
import { rowMajor } from './gather.ts'

/** Modules one after another. Backward ends where nothing is left to train. */
export class Sequential implements Module {
  readonly parts: readonly Module[]
  readonly work = noWork()
  readonly saved = []
  readonly packedBytes = 0

  constructor(...parts: readonly Module[]) {
    this.parts = listOf('module', parts, 'parts', 'Sequential')
    const names = new Set<string>()
    for (const { name } of this.parameters) {
      if (names.has(name)) throw rangeError('NNZ_VALUE', `Sequential: two parameters are named ${name}`)
      names.add(name)
    }
  }

  get parameters(): readonly Parameter[] {
    return this.parts.flatMap(({ parameters }) => parameters)
  }

  /** The first part that a backward pass reaches; their number if it reaches none. */
  #first(input: boolean): number {
    const trained = this.parts.findIndex(isTrained)
    return input ? 0 : trained < 0 ? this.parts.length : trained
  }

  forward(x: Tensor, options: ForwardOptions = {}): Tensor {
    const { save = true, input = true } = options
    const first = this.#first(input)
    return this.parts.reduce(
      (y, part, i) => part.forward(y, { ...options, save: save && i >= first, input: input || i > first }),
      x,
    )
  }

  backward(dy: Tensor, options: BackwardOptions = {}): Tensor | undefined {
    const { input = true } = options
    const first = this.#first(input)
    let slope: Tensor | undefined = dy
    for (let i = this.parts.length - 1; i >= first && slope; i--)
      slope = this.parts[i].backward(slope, { ...options, input: input || i > first })
    return input ? slope : undefined
  }

  dispose(): void {
    for (const part of this.parts) part.dispose()
  }
}

/** y = x + inner(x). */
export class Residual implements Module {
  readonly parts: readonly Module[]
  readonly work = noWork()
  readonly saved = []
  readonly packedBytes = 0
  readonly #inner: Module

  constructor(inner: Module) {
    expectArguments('Residual', { module: { inner } })
    this.#inner = inner
    this.parts = [inner]
  }

  get parameters(): readonly Parameter[] {
    return this.#inner.parameters
  }

  forward(x: Tensor, options?: ForwardOptions): Tensor {
    return sum(x, this.#inner.forward(x, options))
  }

  backward(dy: Tensor, options: BackwardOptions = {}): Tensor | undefined {
    const inner = this.#inner.backward(dy, options)
    return options.input === false || !inner ? undefined : sum(dy, inner)
  }

  dispose(): void {
    this.#inner.dispose()
  }
}

function sum(a: Tensor, b: Tensor): Tensor {
  if (!isTensor(a) || !isTensor(b)) throw typeError('NNZ_TYPE', 'Residual: expected tensors')
  if (a.shape[0] !== b.shape[0] || a.shape[1] !== b.shape[1])
    throw rangeError('NNZ_SHAPE', `Residual: x is [${a.shape.join(', ')}], its part gave [${b.shape.join(', ')}]`)
  const [x, y] = [rowMajor(a), rowMajor(b)]
  const total = zeros(a.shape)
  const sums = total.data
  for (let i = 0; i < sums.length; i++) sums[i] = x[i] + y[i]
  return total
}
