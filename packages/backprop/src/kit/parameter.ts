import { type Csr, csr, describe, isTensor, rangeError, type Tensor, tensor, typeError } from '@nnz/core'
import { entriesIn, type Pattern, positionsOf } from '../masks/pattern.ts'
import { expectArguments } from './arguments.ts'
import { type Trained, trainedPlaces } from './trained.ts'

/**
 * A tensor that training changes. A sparse one stores the kept entries only: `value` is [nnz], in the order of its csr
 * layout, and so are gradient and optimiser state. Nothing is stored for elements that are not trained.
 */
export class Parameter {
  readonly name: string
  /** Optimiser state by name: one number for each trained element. */
  readonly state = new Map<string, Float32Array>()
  /** Raised by whoever changes `value`, so that plans know when to pack anew. */
  version = 0
  /** Of a sparse matrix: the gradient of every place, zeros included, row-major, where the last backward pass was asked. */
  gradientEverywhere: Float32Array | undefined
  #value: Tensor
  #csr: Csr | undefined
  #gradient: Float32Array | undefined
  #trained: Trained = { what: 'all' }
  #places: Uint32Array | undefined

  /** @param value a tensor without gaps between its elements, or a csr layout; trained in place */
  constructor(name: string, value: Tensor | Csr) {
    expectArguments('Parameter', { string: { name } })
    this.name = name
    if (isTensor(value)) {
      this.#value = value
    } else if (value?.layout === 'csr') {
      this.#value = tensor(value.values, [value.nnz])
      this.#csr = value
    } else throw typeError('NNZ_TYPE', `${name}: expected a tensor or a csr layout, got ${describe(value)}`)
  }

  /** [nnz] where the parameter is sparse. */
  get value(): Tensor {
    return this.#value
  }

  /** The kept entries where the parameter is sparse; its values are those of `value`. */
  get csr(): Csr | undefined {
    return this.#csr
  }

  /** The shape that the parameter stands for, zeros included. */
  get shape(): readonly number[] {
    return (this.#csr ?? this.#value).shape
  }

  /** Which elements are trained. */
  get trained(): Trained {
    return this.#trained
  }

  /** For each trained element its index in `value.data`; undefined where all are trained. */
  get places(): Uint32Array | undefined {
    return this.#places
  }

  /** Number of trained elements: the length of `gradient` and of each state. */
  get count(): number {
    return (this.#places ?? this.value.data).length
  }

  /** The gradient of the last backward pass, one number for each trained element. */
  get gradient(): Float32Array | undefined {
    return this.#gradient
  }

  /** Throws RangeError unless it has one number for each trained element. */
  set gradient(gradient: Float32Array | undefined) {
    if (gradient !== undefined && gradient.length !== this.count)
      throw rangeError('NNZ_SHAPE', `${this.name}: expected ${this.count} gradients, got ${gradient.length}`)
    this.#gradient = gradient
  }

  /** Sets the gradient to the trained ones of that of every stored element, which is computed only if there are any. */
  takeGradient(everyElement: () => ArrayLike<number>): void {
    expectArguments(this.name, { function: { everyElement } })
    const places = this.#places
    if (this.count === 0) {
      this.#gradient = undefined
      return
    }
    const all = everyElement()
    if (places) this.gradient = Float32Array.from(places, (place) => all[place])
    else this.gradient = all instanceof Float32Array ? all : new Float32Array(all)
  }

  /**
   * Trains these elements only, from now on. State of elements that were trained before is kept, all other state and
   * the gradient are dropped.
   *
   * @throws TypeError if indices are not a Uint32Array
   * @throws RangeError if indices do not rise or do not fit
   */
  train(trained: Trained): void {
    const places = trainedPlaces(trained, this.shape, this.#csr !== undefined, this.value.data.length, this.name)
    const before = new Map(Array.from(this.#places ?? [], (place, i) => [place, i]))
    const all = this.#places === undefined
    this.#trained = trained
    this.#places = places
    this.#carryState(
      Int32Array.from({ length: this.count }, (_, i) => {
        const place = places ? places[i] : i
        return all ? place : (before.get(place) ?? -1)
      }),
    )
  }

  /**
   * Changes which entries are kept; without a pattern the parameter becomes dense. Values and state of entries that
   * stay are carried along bit by bit, new ones begin at zero, the gradient is dropped.
   *
   * @throws RangeError if the pattern has another shape, or only some elements are trained
   */
  repattern(pattern: Pattern | undefined): void {
    if (pattern !== undefined) expectArguments(this.name, { pattern: { pattern } })
    const { what } = this.#trained
    if (what !== 'all' && what !== 'nothing')
      throw rangeError('NNZ_VALUE', `${this.name}: the pattern cannot change while only some ${what} are trained`)
    const from = sources(this.#csr, pattern, this.shape, this.name)
    const shape = this.shape
    const values = gather(this.value.data, from)
    this.#csr = pattern && csr({ ...pattern, values })
    this.#value = tensor(values, pattern ? [values.length] : shape)
    if (what === 'all') this.#carryState(from)
    this.#gradient = undefined
    this.gradientEverywhere = undefined
    this.version++
  }

  #carryState(from: Int32Array): void {
    this.#gradient = undefined
    for (const [key, values] of this.state) {
      if (from.length === 0) this.state.delete(key)
      else this.state.set(key, gather(values, from))
    }
  }
}

function gather(values: Float32Array, from: Int32Array): Float32Array {
  const gathered = new Float32Array(from.length)
  for (let i = 0; i < from.length; i++) if (from[i] >= 0) gathered[i] = values[from[i]]
  return gathered
}

/** For each stored element of the new form its index among the stored ones of the old form, or -1. */
function sources(old: Csr | undefined, next: Pattern | undefined, shape: readonly number[], name: string): Int32Array {
  const wanted = next?.shape ?? shape
  if (shape.length !== 2 || wanted[0] !== shape[0] || wanted[1] !== shape[1]) {
    throw rangeError('NNZ_SHAPE', `${name}: expected a pattern of [${shape.join(', ')}], got [${wanted.join(', ')}]`)
  }
  if (old && next) return entriesIn(next, old)
  if (next) return Int32Array.from(positionsOf(next))
  if (!old) return Int32Array.from({ length: shape[0] * shape[1] }, (_, i) => i)
  const from = new Int32Array(shape[0] * shape[1]).fill(-1)
  positionsOf(old).forEach((position, entry) => {
    from[position] = entry
  })
  return from
}
