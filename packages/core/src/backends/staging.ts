import type { WasmMemory } from '../memory/wasm-memory.ts'
import type { Tensor } from '../tensor.ts'
import { addressOf } from './wasm-tensor.ts'

/** A matrix in WASM memory: byte address and byte strides. */
export interface StagedMatrix {
  readonly address: number
  readonly rowStride: number
  readonly columnStride: number
}

const F32 = 4

/** Elements between the first and the last of a matrix, both included. */
function span([rows, columns]: readonly number[], [rowStride, columnStride]: readonly number[]): number {
  return rows === 0 || columns === 0 ? 0 : (rows - 1) * rowStride + (columns - 1) * columnStride + 1
}

function copyStrided(
  from: Float32Array,
  to: Float32Array,
  shape: readonly number[],
  source: readonly number[],
  target: readonly number[],
): void {
  const [rows, columns] = shape
  if (source[0] === target[0] && source[1] === target[1] && span(shape, source) === rows * columns) {
    to.set(from.length === rows * columns ? from : from.subarray(0, rows * columns))
    return
  }
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      to[row * target[0] + column * target[1]] = from[row * source[0] + column * source[1]]
    }
  }
}

/**
 * Where a kernel may read a matrix: in place if it lies in WASM memory already, else copied to `workspace`, which has
 * room for rows * columns elements. Strides are kept where that room allows.
 */
export function stageInput(matrix: Tensor, memory: WasmMemory, workspace: number): StagedMatrix {
  const { shape, strides } = matrix
  const address = addressOf(matrix, memory)
  if (address !== undefined) return { address, rowStride: strides[0] * F32, columnStride: strides[1] * F32 }
  const elements = span(shape, strides)
  const room = memory.f32.subarray(workspace / F32, workspace / F32 + shape[0] * shape[1])
  if (elements <= room.length) {
    room.set(matrix.data.length === elements ? matrix.data : matrix.data.subarray(0, elements))
    return { address: workspace, rowStride: strides[0] * F32, columnStride: strides[1] * F32 }
  }
  copyStrided(matrix.data, room, shape, strides, [shape[1], 1])
  return { address: workspace, rowStride: shape[1] * F32, columnStride: F32 }
}

/** The axis along which a kernel wants unit stride; `either` for kernels that can do both. */
export type Order = 'rows' | 'columns' | 'either'

/**
 * As {@link stageInput}, with unit stride along one axis: `rows` makes neighbours in a row neighbours in memory.
 *
 * @param copy take a copy even where the matrix could be read in place
 */
export function stageInputAs(
  matrix: Tensor,
  memory: WasmMemory,
  workspace: number,
  order: 'rows' | 'columns',
  copy: boolean,
): StagedMatrix {
  const { shape, strides } = matrix
  const address = addressOf(matrix, memory)
  const fits = order === 'rows' ? strides[1] === 1 || shape[1] === 1 : strides[0] === 1 || shape[0] === 1
  if (!copy && address !== undefined && fits)
    return { address, rowStride: strides[0] * F32, columnStride: strides[1] * F32 }
  const target = order === 'rows' ? [shape[1], 1] : [1, shape[0]]
  const room = memory.f32.subarray(workspace / F32, workspace / F32 + shape[0] * shape[1])
  copyStrided(matrix.data, room, shape, strides, target)
  return { address: workspace, rowStride: target[0] * F32, columnStride: target[1] * F32 }
}

/**
 * Where a kernel may write a matrix: in place if it lies in WASM memory and has unit stride along an axis that suits the
 * kernel, else in `workspace`, from where `finish` copies it.
 */
export function stageOutput(
  matrix: Tensor,
  memory: WasmMemory,
  workspace: number,
  order: Order,
): StagedMatrix & { finish(): void } {
  const { shape, strides } = matrix
  const [rows, columns] = shape
  const address = addressOf(matrix, memory)
  const byRows = order !== 'columns' && (strides[1] === 1 || columns === 1)
  const byColumns = order !== 'rows' && (strides[0] === 1 || rows === 1)
  if (address !== undefined && (byRows || byColumns)) {
    return byRows
      ? { address, rowStride: strides[0] * F32, columnStride: F32, finish() {} }
      : { address, rowStride: F32, columnStride: strides[1] * F32, finish() {} }
  }
  const target = byRows || !byColumns ? (order === 'columns' ? [1, rows] : [columns, 1]) : [1, rows]
  return {
    address: workspace,
    rowStride: target[0] * F32,
    columnStride: target[1] * F32,
    finish() {
      const result = memory.f32.subarray(workspace / F32, workspace / F32 + rows * columns)
      if (strides[0] === target[0] && strides[1] === target[1] && matrix.data.length === result.length)
        matrix.data.set(result)
      else copyStrided(result, matrix.data, shape, target, strides)
    },
  }
}
