import { type Bsr, bsr } from '@nnz/core'
import { FileFormatError } from '@nnz/formats'
import { type CArray, readCArrays } from './c-arrays.ts'

/** A sparse linear layer of an Opus neural network. */
export interface OpusLayer {
  readonly name: string
  /** Outputs x inputs, in blocks of 8 outputs x 4 inputs, dequantised to f32. */
  readonly weights: Bsr
}

/** The limit of every layout of @nnz/core. */
const MAX_ELEMENTS = 2 ** 31
const BLOCK_ROWS = 8
const BLOCK_COLUMNS = 4
const BLOCK = BLOCK_ROWS * BLOCK_COLUMNS
const LINEAR_INIT = /linear_init\(&model->(\w{1,200}),arrays,([\w",]{1,2000}),(\d{1,9}),(\d{1,9})\)/g

/**
 * Reads the sparse linear layers of generated Opus sources such as `dred_rdovae_enc_data.c` (dnn/nnet.h and
 * dnn/parse_lpcnet_weights.c of the Opus codec): those that `linear_init` gives a block index. For every 8 outputs the
 * index holds a count and as many columns, multiples of 4; the int8 weights follow block by block, 4 inputs of one
 * output after the other, and each output has a scale.
 *
 * @throws FileFormatError where arrays are missing or their sizes, counts and columns do not agree.
 */
export function readOpusLayers(bytes: Uint8Array, file: string): OpusLayer[] {
  const arrays = readCArrays(bytes, file)
  const source = new TextDecoder('latin1').decode(bytes)
  const layers: OpusLayer[] = []
  for (const match of source.matchAll(LINEAR_INIT)) {
    const fail = (message: string): never => {
      throw new FileFormatError(file, match.index, `layer ${match[1]}: ${message}`)
    }
    const names = match[2].split(',').map((name) => name.replaceAll('"', ''))
    if (names.length !== 7) fail(`expected 7 array names, got ${names.length}`)
    const [, , weightsName, , indexName, , scaleName] = names
    if (indexName === 'NULL') continue
    const get = (name: string, type: CArray['type']): CArray => {
      const array = arrays.get(name) ?? fail(`there is no array ${name}`)
      return array.type === type ? array : fail(`expected ${name} to be ${type}, got ${array.type}`)
    }
    const shape = [Number(match[4]), Number(match[3])] as const
    if (shape[0] * shape[1] > MAX_ELEMENTS || shape[0] % BLOCK_ROWS !== 0 || shape[1] % BLOCK_COLUMNS !== 0) {
      fail(`${shape[0]} outputs x ${shape[1]} inputs are too many, or no multiples of ${BLOCK_ROWS}x${BLOCK_COLUMNS}`)
    }
    const weights = toBsr(shape, get(weightsName, 'int8'), get(indexName, 'int'), get(scaleName, 'float'), file)
    layers.push({ name: match[1], weights })
  }
  return layers
}

function toBsr(shape: readonly [number, number], weights: CArray, index: CArray, scale: CArray, file: string): Bsr {
  const fail = (array: CArray, message: string): never => {
    throw new FileFormatError(file, array.offset, message)
  }
  const [outputs, inputs] = shape
  const blockRows = outputs / BLOCK_ROWS
  const blocks = index.values.length - blockRows
  if (scale.values.length !== outputs) fail(scale, `expected ${outputs} scales, got ${scale.values.length}`)
  if (blocks < 0 || weights.values.length !== blocks * BLOCK) {
    fail(weights, `expected ${BLOCK} weights for each of ${blocks} blocks, got ${weights.values.length}`)
  }
  const rowOffsets = new Uint32Array(blockRows + 1)
  const columnIndices = new Uint32Array(blocks)
  const values = new Float32Array(blocks * BLOCK)
  let block = 0
  let at = 0
  for (let blockRow = 0; blockRow < blockRows; blockRow++) {
    const count = index.values[at++]
    if (!(count >= 0 && count <= blocks - block)) fail(index, `block row ${blockRow} cannot have ${count} blocks`)
    let previous = -1
    for (const end = block + count; block < end; block++) {
      const column = index.values[at++]
      if (column <= previous || column + BLOCK_COLUMNS > inputs || column % BLOCK_COLUMNS !== 0) {
        fail(
          index,
          `block row ${blockRow}: column ${column} is not a rising multiple of ${BLOCK_COLUMNS} below ${inputs}`,
        )
      }
      previous = column
      columnIndices[block] = column / BLOCK_COLUMNS
      for (let i = 0; i < BLOCK; i++) {
        const output = blockRow * BLOCK_ROWS + Math.floor(i / BLOCK_COLUMNS)
        values[block * BLOCK + i] = weights.values[block * BLOCK + i] * scale.values[output]
      }
    }
    rowOffsets[blockRow + 1] = block
  }
  if (block !== blocks) fail(index, `the block rows have ${block} blocks, the index has room for ${blocks}`)
  return bsr({ shape: [...shape], blockShape: [BLOCK_ROWS, BLOCK_COLUMNS], rowOffsets, columnIndices, values })
}
