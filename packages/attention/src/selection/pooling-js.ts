import type { Heads } from '../operands.ts'
import type { Pool, Pooling } from './pooling.ts'

function poolBlock(
  { data, strides, shape }: Heads,
  from: number,
  count: number,
  pool: Pool,
  target: Float32Array,
  to: number,
): void {
  const headDim = shape[3]
  for (let i = 0; i < headDim; i++) {
    let result = data[from + i]
    let at = from + i
    for (let token = 1; token < count; token++) {
      const x = data[(at += strides[2])]
      result = pool === 'mean' ? result + x : pool === 'maximum' ? Math.max(result, x) : Math.min(result, x)
    }
    target[to + i] = pool === 'mean' ? result / count : result
  }
}

/** Plain loops. */
export function jsPooling(): Pooling {
  return {
    pool(x, batch, head, block, pool) {
      const [, , tokens, headDim] = x.shape
      const target = new Float32Array(Math.ceil(tokens / block) * headDim)
      const start = batch * x.strides[0] + head * x.strides[1]
      for (let token = 0, to = 0; token < tokens; token += block, to += headDim)
        poolBlock(x, start + token * x.strides[2], Math.min(block, tokens - token), pool, target, to)
      return target
    },
    scores(queries, keys, length, scale) {
      const [rows, columns] = [queries.length / length, keys.length / length]
      const data = new Float32Array(rows * columns)
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          let sum = 0
          for (let i = 0; i < length; i++) sum += queries[row * length + i] * keys[column * length + i]
          data[row * columns + column] = scale * sum
        }
      }
      return { data, stride: columns }
    },
  }
}
