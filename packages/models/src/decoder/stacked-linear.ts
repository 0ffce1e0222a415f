import {
  type Activation,
  type Csr,
  csr,
  type Dense,
  dense,
  type Nm,
  type Nmg,
  nm,
  nmg,
  rangeError,
  type Tensor,
} from '@nnz/core'
import { nmLinear } from '@nnz/nm-gemm'
import { linear, spmm } from '@nnz/spmm'
import { denseLinear } from './dense-linear.ts'

/** Weights in the layout whose kernels suit their zeros. */
type Weights = Dense | Csr | Nm | Nmg

interface Plan {
  run(x: Tensor, options: { out?: Tensor | undefined; residual?: Tensor | undefined }): Tensor
  explain(): { readonly packedBytes: number }
  dispose(): void
}

/** Below this share of zeros no sparse kernel wins, and the dense layout is the smallest. */
const LEAST_SPARSITY = 0.15

/** N:M patterns with kernels of their own. */
const NM_PATTERNS = [
  { n: 1, m: 4 },
  { n: 2, m: 4 },
  { n: 2, m: 8 },
  { n: 4, m: 8 },
] as const

/** One linear layer of a network: its weights can be read and replaced. */
export class LinearPart {
  readonly name: string
  readonly rows: number
  readonly columns: number
  readonly #read: () => Float32Array
  readonly #write: (weights: Float32Array) => void

  constructor(
    name: string,
    shape: readonly [rows: number, columns: number],
    access: { read: () => Float32Array; write: (weights: Float32Array) => void },
  ) {
    this.name = name
    ;[this.rows, this.columns] = shape
    this.#read = access.read
    this.#write = access.write
  }

  /** The weights as they are now, [rows, columns]; not to be written. Of sparse ones a copy is made. */
  get weights(): Float32Array {
    return this.#read()
  }

  /** Replaces them. Throws RangeError where they are not as many. */
  set(weights: Float32Array): void {
    if (weights.length !== this.rows * this.columns)
      throw rangeError('NNZ_SHAPE', `${this.name}: got ${weights.length} weights, expected ${this.rows * this.columns}`)
    this.#write(weights)
  }
}

/**
 * Linear layers that read one input, as one product: their matrices stand one below the other. The layout is chosen by where
 * the zeros are, kernels by the plans of its operation.
 */
export class StackedLinear {
  readonly parts: readonly LinearPart[]
  readonly #shape: readonly [rows: number, columns: number]
  readonly #activation: Activation
  readonly #tokens: number
  #weights: Weights
  /** What was set and is not part of the layout yet, by its first row. */
  readonly #pending = new Map<number, Float32Array>()
  /** For one token, and for up to the most. */
  #plans: { one?: Plan; many?: Plan } = {}

  constructor(options: {
    parts: readonly { readonly name: string; readonly weights: Float32Array }[]
    columns: number
    activation?: Activation
    /** The most tokens of a run. */
    tokens: number
  }) {
    const { columns, activation = 'none', tokens } = options
    let rows = 0
    this.parts = options.parts.map(({ name, weights }) => {
      const top = rows
      const shape = [weights.length / columns, columns] as const
      rows += shape[0]
      this.#pending.set(top, weights)
      return new LinearPart(name, shape, {
        read: () => this.#pending.get(top) ?? rowsOf(this.#weights, top, shape[0]),
        write: (changed) => {
          this.#pending.set(top, changed)
          this.dispose()
        },
      })
    })
    this.#shape = [rows, columns]
    this.#activation = activation
    this.#tokens = tokens
    this.#weights = dense({ shape: [0, columns], values: new Float32Array(0) })
  }

  /** The weights in their layout. */
  get weights(): Weights {
    if (this.#pending.size > 0) {
      this.#weights = layOut(concatenated(this.parts), this.#shape)
      this.#pending.clear()
    }
    return this.#weights
  }

  /** The weights as csr. */
  sparse(): Csr {
    const { weights } = this
    return weights.layout === 'dense' ? csr.fromDense(weights.values, weights.shape) : csrOf(weights)
  }

  /** x [tokens, columns]; returns [tokens, rows], half of them for `swiglu`. */
  run(x: Tensor, options: { out?: Tensor; residual?: Tensor } = {}): Tensor {
    return this.#plan(x.shape[0]).run(x, options)
  }

  #plan(tokens: number): Plan {
    const [key, columns] = tokens === 1 ? (['one', 1] as const) : (['many', this.#tokens] as const)
    this.#plans[key] ??= planOf(this.weights, { columns, activation: this.#activation })
    return this.#plans[key]
  }

  /** Bytes of the packed weights: for steps of one token, and for all. */
  get packedBytes(): { readonly one: number; readonly many: number } {
    const { one, many } = this.#plans
    return { one: one?.explain().packedBytes ?? 0, many: many?.explain().packedBytes ?? 0 }
  }

  /** Releases packed weights; they are packed again when they are needed. */
  dispose(): void {
    this.#plans.one?.dispose()
    this.#plans.many?.dispose()
    this.#plans = {}
  }
}

function planOf(w: Weights, options: { columns: number; activation: Activation }): Plan {
  if (w.layout === 'csr') return linear.plan(w, options)
  if (w.layout === 'dense') return denseLinear(w, options)
  return nmLinear.plan(w, { ...options, candidates: [spmm] })
}

function concatenated(parts: readonly LinearPart[]): Float32Array {
  if (parts.length === 1) return parts[0].weights
  const all = new Float32Array(parts.reduce((sum, { rows, columns }) => sum + rows * columns, 0))
  let at = 0
  for (const part of parts) {
    all.set(part.weights, at)
    at += part.rows * part.columns
  }
  return all
}

function layOut(values: Float32Array, shape: readonly [number, number]): Weights {
  let zeros = 0
  for (let i = 0; i < values.length; i++) if (values[i] === 0) zeros++
  const sparsity = zeros / values.length
  if (sparsity < LEAST_SPARSITY) return dense({ shape, values })
  // A pattern that holds by chance, in a sparser matrix, would store zeros.
  const pattern = NM_PATTERNS.find(({ n, m }) => Math.abs(sparsity - 1 + n / m) < 0.02 && fits(values, shape, n, m))
  if (!pattern) return csr.fromDense(values, shape)
  const kept = Uint8Array.from(values, (value) => Number(value !== 0))
  return pairsAlike(kept, shape)
    ? nmg.fromMasked(values, kept, shape, { ...pattern, g: 2 })
    : nm.fromMasked(values, kept, shape, pattern)
}

/** Whether no m neighbours in a row hold more than n numbers. */
function fits(values: Float32Array, [, columns]: readonly [number, number], n: number, m: number): boolean {
  if (columns % m !== 0) return false
  for (let start = 0; start < values.length; start += m) {
    let count = 0
    for (let i = start; i < start + m; i++) if (values[i] !== 0) count++
    if (count > n) return false
  }
  return true
}

/** Whether every second row keeps what the one before it keeps. */
function pairsAlike(kept: Uint8Array, [rows, columns]: readonly [number, number]): boolean {
  if (rows % 2 !== 0) return false
  for (let top = 0; top < kept.length; top += 2 * columns)
    for (let i = top; i < top + columns; i++) if (kept[i] !== kept[i + columns]) return false
  return true
}

function csrOf(w: Csr | Nm | Nmg): Csr {
  return w.layout === 'csr' ? w : w.layout === 'nm' ? nm.toCsr(w) : nmg.toCsr(w)
}

/** Some rows of a matrix, dense. */
function rowsOf(w: Weights, top: number, rows: number): Float32Array {
  const columns = w.shape[1]
  if (w.layout === 'dense') return w.values.subarray(top * columns, (top + rows) * columns)
  const { rowOffsets, columnIndices, values } = csrOf(w)
  const result = new Float32Array(rows * columns)
  for (let row = 0; row < rows; row++)
    for (let i = rowOffsets[top + row]; i < rowOffsets[top + row + 1]; i++)
      result[row * columns + columnIndices[i]] = values[i]
  return result
}
