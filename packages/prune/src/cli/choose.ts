import { ELEMENT_BYTES } from '@nnz/core/storage'
import type { OnnxTensor, TensorEntry, TensorFile } from '@nnz/formats'
import picomatch from 'picomatch'

/** Left out unless tensors are named: tables that are looked up, and heads over the vocabulary. */
export const DEFAULT_EXCLUDE: readonly string[] = [
  '*embed*',
  '*embd*',
  '*wte*',
  '*wpe*',
  '*shared.weight',
  '*lm_head*',
  '*predictions.decoder*',
  'output.weight',
]

/** Which tensors are pruned, by globs of their names. */
export interface Choice {
  /** Empty for all but {@link DEFAULT_EXCLUDE}. */
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  /** Matrices that are [inputs, outputs]; those of ONNX say so themselves. */
  readonly transposed: readonly string[]
}

/** A weight matrix of a file. */
export interface Matrix {
  readonly entry: TensorEntry
  /** Outputs. */
  readonly rows: number
  /** Inputs. */
  readonly columns: number
  /** Whether the file has it as [inputs, outputs]. */
  readonly transposed: boolean
}

const FLOATS = new Set(['F64', 'F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2'])

/** Whether safetensors knows the type of the elements. */
export function isStorable({ dtype }: Pick<TensorEntry, 'dtype'>): boolean {
  return Object.hasOwn(ELEMENT_BYTES, dtype)
}

/** Whether elements can be read as numbers of f32: floating point numbers, or blocks of GGUF that stand for such. */
export function isFloat(file: TensorFile, entry: TensorEntry): boolean {
  return FLOATS.has(entry.dtype) || (file.format === 'gguf' && !isStorable(entry))
}

function matcher(globs: readonly string[]): (name: string) => boolean {
  return globs.length === 0 ? () => false : picomatch([...globs], { dot: true, bash: true })
}

/**
 * The weight matrices that a choice means, in the order of the file: two axes of at least two elements each, and in ONNX
 * the weights of products.
 *
 * @throws RangeError if there is none
 */
export function chooseMatrices(file: TensorFile, { include, exclude, transposed }: Choice): Matrix[] {
  const wanted = include.length > 0 ? matcher(include) : () => true
  const unwanted = matcher([...exclude, ...(include.length > 0 ? [] : DEFAULT_EXCLUDE)])
  const isTransposed = matcher(transposed)
  const matrices: Matrix[] = []
  for (const entry of file.tensors.values()) {
    if (entry.shape.length !== 2 || Math.min(...entry.shape) < 2 || !isFloat(file, entry)) continue
    const { uses } = entry as Partial<OnnxTensor>
    const product = uses?.find(({ outputAxis }) => outputAxis !== undefined)
    if (uses && !product) continue
    const turned = product ? product.outputAxis === 1 : isTransposed(entry.name)
    const [rows, columns] = turned ? [entry.shape[1], entry.shape[0]] : entry.shape
    matrices.push({ entry, rows, columns, transposed: turned })
  }
  const chosen = matrices.filter(({ entry: { name } }) => wanted(name) && !unwanted(name))
  if (chosen.length > 0) return chosen
  const found = matrices.slice(0, 5).map(({ entry: { name } }) => name)
  const hint = found.length > 0 ? `, for example ${found.join(', ')}` : ''
  throw new RangeError(
    `${file.name}: of ${file.tensors.size} tensors ${matrices.length} are weight matrices${hint}; none of them is chosen`,
  )
}
