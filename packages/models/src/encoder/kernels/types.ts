import { type Backend, F32_TYPES, type KernelTypes, type Tensor, type TensorHost, zeros } from '@nnz/core'

/** Features in rows, tokens in lanes: [features, stride], of which the first columns are used. */
export interface Lanes {
  readonly tensor: Tensor
  /** Floats between rows. */
  readonly stride: number
}

/** Scale and shift of a normalisation, one number for each feature. */
export interface Norm {
  readonly gain: Tensor
  readonly shift: Tensor
}

/** Columns that kernels read and write beyond those that are used. */
export const SLACK = 16

/** x[feature][token] = words[tokens[token]][feature] + places[positions[token]][feature]. */
export interface EmbedArguments {
  readonly tokens: Int32Array
  readonly positions: Int32Array
  /** [vocabulary, width] and [positions, width]. */
  readonly words: Tensor
  readonly places: Tensor
  readonly x: Lanes
}

/** x = norm(y + bias + x) for each of the first `tokens` columns (Ba et al., arXiv 1607.06450); without y, norm(x). */
export interface AddNormArguments {
  readonly y?: { readonly product: Lanes; readonly bias: Tensor } | undefined
  readonly x: Lanes
  readonly norm: Norm
  readonly epsilon: number
  readonly tokens: number
}

/** y = gelu(y + bias), x Φ(x) (Hendrycks and Gimpel, arXiv 1606.08415), on the first `tokens` columns. */
export interface AddGeluArguments {
  readonly y: Lanes
  readonly bias: Tensor
  readonly tokens: number
}

/**
 * out = softmax((q + qBias) kᵀ / sqrt(headDim)) (v + vBias) inside each sequence. qkv: [3 heads headDim, tokens]. The bias of
 * the keys adds the same to all scores of a query, and changes nothing.
 */
export interface AttendArguments {
  readonly qkv: Lanes
  readonly bias: Tensor
  readonly out: Lanes
  readonly heads: number
  /** Where each sequence begins, and the end of the last. */
  readonly offsets: Int32Array
}

/** out[s] = the mean of a sequence's columns, divided by its length; zeros for one without tokens. */
export interface PoolArguments {
  readonly x: Lanes
  readonly offsets: Int32Array
  /** [sequences, width]. */
  readonly out: Float32Array
}

/** What an encoder does beside products, in one implementation. */
export interface EncoderOperations {
  embed(args: EmbedArguments): void
  addNorm(args: AddNormArguments): void
  addGelu(args: AddGeluArguments): void
  attendPacked(args: AttendArguments): void
  pool(args: PoolArguments): void
}

export type EncoderOperation = keyof EncoderOperations

/** A row of the table of this package's kernels. */
export interface EncoderKernel {
  readonly name: string
  readonly operation: EncoderOperation
  readonly backend: string
  readonly variant: string
  readonly types: KernelTypes
  readonly format: string
  readonly dense: boolean
}

export const OPERATIONS: readonly EncoderOperation[] = ['embed', 'addNorm', 'addGelu', 'attendPacked', 'pool']

/** The rows of one variant of a backend. */
export function rows(backend: string, variant: string, accumulator: 'f32' | 'f64'): EncoderKernel[] {
  return OPERATIONS.map((operation) => ({
    name: `${operation}_f32__${backend === 'js' ? '' : `${backend}_`}${variant}`,
    operation,
    backend,
    variant,
    types: { ...F32_TYPES, accumulator },
    format: 'lanes',
    dense: true,
  }))
}

/** Room for features of up to so many tokens. */
export function lanes(features: number, tokens: number, host: TensorHost | undefined): Lanes {
  // An odd number of cache lines: rows of one column then lie in different sets of the cache.
  const lines = Math.ceil((tokens + SLACK) / 16)
  const stride = 16 * (lines + (lines % 2 === 0 ? 1 : 0))
  return { tensor: zeros([features, stride], host ? { backend: host } : {}), stride }
}

/** The memory in which tensors of a backend lie; undefined for the JS heap. */
export function hostOf(backend: Backend): TensorHost | undefined {
  return 'allocateTensor' in backend ? (backend as Backend & TensorHost) : undefined
}
