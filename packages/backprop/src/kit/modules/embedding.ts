import { type Csr, describe, expectMatrix, rangeError, type Tensor, tensor, zeros } from '@nnz/core'
import type { Pattern } from '../../masks/pattern.ts'
import { expectArguments } from '../arguments.ts'
import { initialWeights } from '../initial.ts'
import type { BackwardOptions, ForwardOptions } from '../module.ts'
import { Parameter } from '../parameter.ts'
import type { Random } from '../random.ts'
import { rowMajor } from './gather.ts'
import { Leaf } from './leaf.ts'

/** Options of {@link Embedding}. */
export interface EmbeddingOptions {
  /** Number of rows: the ids are 0..entries-1. */
  readonly entries: number
  readonly width: number
  readonly random: Random
  /** Keeps these entries of the table only. */
  readonly pattern?: Pattern
  /** Standard deviation of the initial table. Default: 0.02. */
  readonly deviation?: number
}

/**
 * Rows of a table, dense or sparse, for ids: [sequences, tokens] of whole numbers to [sequences · tokens, width]. Has no
 * gradient by its input.
 */
export class Embedding extends Leaf<Uint32Array> {
  readonly parameters: readonly Parameter[]
  readonly table: Parameter
  readonly #name: string

  constructor(name: string, options: EmbeddingOptions) {
    super()
    expectArguments('Embedding', { string: { name }, object: { options } })
    const { entries, width, random, pattern, deviation = 0.02 } = options
    this.#name = name
    const gain = deviation * Math.sqrt(width)
    this.table = new Parameter(`${name}.table`, initialWeights([entries, width], random, gain, pattern))
    this.parameters = [this.table]
  }

  forward(x: Tensor, { save = true }: ForwardOptions = {}): Tensor {
    const ids = this.#ids(expectMatrix(x, `${this.#name}: x`))
    const { csr, value, shape } = this.table
    const y = zeros([ids.length, shape[1]])
    if (csr) gatherSparse(csr, ids, y.data)
    else gatherDense(value.data, shape[1], ids, y.data)
    const needed = this.table.count > 0 ? ids : ids.slice(0, 0)
    if (save) this.keep(needed, [needed], [ids.length, shape[1]])
    else this.forget()
    return y
  }

  #ids(x: Tensor): Uint32Array {
    const limit = this.table.shape[0]
    return Uint32Array.from(rowMajor(x), (id) => {
      if (!(Number.isInteger(id) && id >= 0 && id < limit))
        throw rangeError('NNZ_VALUE', `${this.#name}: expected ids in 0..${limit - 1}, got ${describe(id)}`)
      return id
    })
  }

  backward(dy: Tensor, { everywhere = false }: BackwardOptions = {}): undefined {
    const ids = this.take(dy, this.#name)
    const { csr, trained, shape } = this.table
    if (csr) this.table.takeGradient(() => sparseGradient(csr, ids, dy))
    else if (trained.what === 'rows') this.table.gradient = rowGradient(trained.indices, shape[1], ids, dy)
    else this.table.takeGradient(() => rowGradient(undefined, shape[1], ids, dy, shape[0]))
    this.table.gradientEverywhere = everywhere && csr ? rowGradient(undefined, shape[1], ids, dy, shape[0]) : undefined
  }
}

function gatherDense(table: Float32Array, width: number, ids: Uint32Array, output: Float32Array): void {
  for (let i = 0; i < ids.length; i++) output.set(table.subarray(ids[i] * width, (ids[i] + 1) * width), i * width)
}

function gatherSparse({ rowOffsets, columnIndices, values, shape }: Csr, ids: Uint32Array, output: Float32Array): void {
  for (let i = 0; i < ids.length; i++) {
    for (let entry = rowOffsets[ids[i]]; entry < rowOffsets[ids[i] + 1]; entry++)
      output[i * shape[1] + columnIndices[entry]] = values[entry]
  }
}

function sparseGradient(
  { rowOffsets, columnIndices, shape: [, width] }: Csr,
  ids: Uint32Array,
  dy: Tensor,
): Float32Array {
  const gradient = new Float32Array(columnIndices.length)
  const slope = rowMajor(dy)
  for (let i = 0; i < ids.length; i++) {
    for (let entry = rowOffsets[ids[i]]; entry < rowOffsets[ids[i] + 1]; entry++)
      gradient[entry] += slope[i * width + columnIndices[entry]]
  }
  return gradient
}

/** Sums of dy for each of these rows, one after another; without rows, for all of them. */
function rowGradient(
  rows: Uint32Array | undefined,
  width: number,
  ids: Uint32Array,
  dy: Tensor,
  all = 0,
): Float32Array {
  const gradient = new Float32Array((rows ? rows.length : all) * width)
  const slots = rows && new Map(Array.from(rows, (row, slot) => [row, slot]))
  const slope = rowMajor(dy)
  for (let i = 0; i < ids.length; i++) {
    const slot = slots ? slots.get(ids[i]) : ids[i]
    if (slot === undefined) continue
    for (let j = 0; j < width; j++) gradient[slot * width + j] += slope[i * width + j]
  }
  return gradient
}

/** Adds a learnt row for each place of a sequence: [sequences · tokens, width], rows of one sequence one after another. */
export class Positions extends Leaf<number> {
  readonly parameters: readonly Parameter[]
  readonly table: Parameter
  readonly #name: string

  constructor(name: string, tokens: number, width: number, random: Random, deviation = 0.02) {
    super()
    expectArguments('Positions', { string: { name }, random: { random } })
    this.#name = name
    const values = Float32Array.from({ length: tokens * width }, () => deviation * random.normal())
    this.table = new Parameter(`${name}.table`, tensor(values, [tokens, width]))
    this.parameters = [this.table]
  }

  forward(x: Tensor, { save = true }: ForwardOptions = {}): Tensor {
    const [rows, width] = expectMatrix(x, `${this.#name}: x`).shape
    const [tokens, expected] = this.table.shape
    if (width !== expected || rows % tokens !== 0)
      throw rangeError('NNZ_SHAPE', `${this.#name}: x is [${rows}, ${width}], expected [n · ${tokens}, ${expected}]`)
    const [source, table] = [rowMajor(x), this.table.value.data]
    const y = zeros([rows, width])
    const output = y.data
    for (let i = 0; i < output.length; ) for (let j = 0; j < table.length; j++, i++) output[i] = source[i] + table[j]
    if (save) this.keep(rows, [], [rows, width])
    else this.forget()
    return y
  }

  backward(dy: Tensor): Tensor {
    const rows = this.take(dy, this.#name)
    const [tokens, width] = this.table.shape
    const ids = Uint32Array.from({ length: rows }, (_, row) => row % tokens)
    this.table.takeGradient(() => rowGradient(undefined, width, ids, dy, tokens))
    return dy
  }
}
