import { describe, rangeError, typeError } from '@nnz/core'
import { expectExtent } from '../mask/checks.ts'

/** Frames, rows and columns. */
export type Extents = readonly [number, number, number]

/** The tokens of a video in tiles. */
export interface Tiles {
  /** Token of each slot: tile after tile, `size` slots each; -1 where a tile reaches beyond the video. */
  readonly order: Int32Array
  /** Tile of each token. */
  readonly tileOf: Int32Array
  /** Tokens of each tile. */
  readonly counts: Int32Array
  /** Slots of a tile. */
  readonly size: number
}

function expectExtents(value: unknown, name: string): Extents {
  if (!Array.isArray(value))
    throw typeError('NNZ_TYPE', `${name}: expected [frames, rows, columns], got ${describe(value)}`)
  if (value.length !== 3)
    throw rangeError('NNZ_SHAPE', `${name}: expected [frames, rows, columns], got ${value.length} extents`)
  for (const extent of value) expectExtent(extent, 1, name)
  return value as unknown as Extents
}

/**
 * Orders the tokens of a video, [frames, rows, columns] row-major, by tiles.
 *
 * @param tile extents of a tile; where they do not divide the video's, the last tiles have empty slots
 * @throws TypeError if an argument is of the wrong kind
 * @throws RangeError if one has not three extents, whole numbers from 1 up
 */
export function tileOrder(shape: Extents, tile: Extents): Tiles {
  return tilesOf(shape, tile, 'tileOrder')
}

/** As {@link tileOrder}, in the name of another function. */
export function tilesOf(shape: Extents, tile: Extents, name: string): Tiles {
  const [frames, rows, columns] = expectExtents(shape, `${name}: shape`)
  const [depth, height, width] = expectExtents(tile, `${name}: tile`)
  const grid = [Math.ceil(frames / depth), Math.ceil(rows / height), Math.ceil(columns / width)]
  const size = depth * height * width
  const order = new Int32Array(grid[0] * grid[1] * grid[2] * size).fill(-1)
  const tileOf = new Int32Array(frames * rows * columns)
  const counts = new Int32Array(order.length / size)
  for (let token = 0; token < tileOf.length; token++) {
    const z = Math.floor(token / columns / rows)
    const y = Math.floor(token / columns) % rows
    const x = token % columns
    const tileIndex = (Math.floor(z / depth) * grid[1] + Math.floor(y / height)) * grid[2] + Math.floor(x / width)
    const slot = ((z % depth) * height + (y % height)) * width + (x % width)
    order[tileIndex * size + slot] = token
    tileOf[token] = tileIndex
    counts[tileIndex]++
  }
  return { order, tileOf, counts, size }
}
