import {
  balancedRanges,
  createFinish,
  expectWasmBackend,
  I8_TYPES,
  type I8Values,
  type Packing,
  type ProductArguments,
  type Runner,
  scaleGroups,
  stageInput,
  type WasmBackend,
  WasmBlock,
  type WasmVariant,
  Workspace,
} from '@nnz/core'
import * as set from '../../generated/wasm.ts'
import type { CompactNmWeights, NmProblem } from '../../problem.ts'
import { otherValues, requantised } from '../compact/values.ts'
import { supportsContract } from '../contracts.ts'
import { columnsOf } from '../regular-rows.ts'
import type { NmKernel } from '../types.ts'
import { EIGHT, entriesOfFour } from './gemv-layouts.ts'

const HEADER = 64
const BLOCK = 80
const CONSTANTS = 48

/** Columns of x in a block: 16 bytes, or 32 where one of four is kept. */
function blockColumns(entries: number): number {
  return entries === 1 ? 32 : 16
}

/** i8 weights, eight rows at once; the form is described in kernels-wasm/assembly/nm-gemm/gemv-i8.ts. */
class EightPacking implements Packing {
  readonly entries: number
  /** Groups that share a scale, blocks in each but the last, and in the last one. */
  readonly groups: number
  readonly blocks: number
  readonly last: number
  readonly #block: WasmBlock
  readonly #weights: CompactNmWeights

  constructor(backend: WasmBackend, w: CompactNmWeights) {
    const [m, k] = w.shape
    const { groupColumns } = w.values as I8Values
    this.#weights = w
    this.entries = entriesOfFour(w)
    const wide = blockColumns(this.entries)
    this.groups = scaleGroups(k, groupColumns)
    this.blocks = Math.ceil(Math.min(groupColumns, k) / wide)
    this.last = Math.ceil((k - (this.groups - 1) * Math.min(groupColumns, k)) / wide)
    this.#block = new WasmBlock(backend, CONSTANTS + Math.ceil(m / EIGHT) * this.eightBytes)
    this.#write(w)
  }

  get eightBytes(): number {
    return this.groups * HEADER + ((this.groups - 1) * this.blocks + this.last) * BLOCK
  }

  /** Columns of x that blocks have. */
  get paddedColumns(): number {
    return ((this.groups - 1) * this.blocks + this.last) * blockColumns(this.entries)
  }

  get constants(): number {
    return this.#block.address
  }

  get address(): number {
    return this.#block.address + CONSTANTS
  }

  get bytes(): number {
    return this.#block.bytes
  }

  #write(w: CompactNmWeights): void {
    const { data, scales, groupColumns } = w.values as I8Values
    const { columns, entries: perRow } = columnsOf(w)
    const each = this.entries
    const wide = blockColumns(each)
    const { u8 } = this.#block
    u8.fill(0)
    for (let i = 0; i < 16; i++) {
      u8[i] = each === 1 ? 4 * (i & 3) : 4 * ((i & 3) >> 1)
      u8[16 + i] = each === 1 ? u8[i] : u8[i] + 8
      u8[32 + i] = (i & 1) === 0 ? 1 : 0
    }
    const view = new DataView(u8.buffer, u8.byteOffset + CONSTANTS, u8.length - CONSTANTS)
    for (let row = 0, at = 0; row < w.shape[0]; row++) {
      const eight = Math.floor(row / EIGHT) * this.eightBytes
      const slice = (row & 7) >> 2
      for (let group = 0; group < this.groups; group++) {
        const header = eight + group * (HEADER + this.blocks * BLOCK)
        let sum = 0
        // Entries of each group of four that come earlier in it: a last group may have fewer.
        let four = -1
        let inFour = 0
        const end = Math.min((group + 1) * groupColumns, w.shape[1])
        for (; at < (row + 1) * perRow && columns[at] < end; at++) {
          const column = columns[at] - group * groupColumns
          inFour = column >> 2 === four ? inFour + 1 : 0
          four = column >> 2
          const within = column % wide
          const block = header + HEADER + Math.floor(column / wide) * BLOCK
          // Which of the two halves of the block, and where among the four weights of the row.
          const half = Math.floor(within / (wide / 2))
          const place = (((within % (wide / 2)) >> 2) * each + inFour) & 3
          const byte = 4 * (row & 3) + place
          const vector = 2 * slice + half
          view.setInt8(block + 16 * vector + byte, data[at])
          const bits = block + 64 + byte
          view.setUint8(bits, view.getUint8(bits) | ((column & 3) << (2 * vector)))
          sum += data[at]
        }
        view.setFloat32(header + 4 * (row & 7), scales[row * this.groups + group], true)
        view.setInt32(header + 32 + 4 * (row & 7), sum, true)
      }
    }
  }

  updateValues(values: Float32Array): void {
    this.#write(requantised(this.#weights, values))
  }

  dispose(): void {
    this.#block.dispose()
  }
}

function plan(problem: NmProblem, packing: Packing, backend: WasmBackend): Runner<ProductArguments> {
  const { m, k } = problem
  const weights = packing as EightPacking
  const { entries, groups, blocks, last, constants, paddedColumns } = weights
  const { memory } = backend
  const kernels = backend.kernels(set)
  const workspace = new Workspace(backend)
  const xRoom = workspace.region(k * 4)
  const found = workspace.region(64)
  const parameters = workspace.region(64)
  const bytes = workspace.region(paddedColumns)
  const finish = createFinish(problem, backend, workspace)
  const parts = balancedRanges(Math.ceil(m / EIGHT), backend.threads === 1 ? 1 : 4 * backend.threads, () => 1)
  return {
    run(args) {
      const { x } = args
      if (x.shape[1] === 0) return
      const from = stageInput(x, memory, xRoom())
      kernels.call('columnScales', from.address, from.rowStride, from.columnStride, k, 1, found(), 0, 1)
      kernels.call('quantiseColumn', from.address, from.rowStride, k, paddedColumns, found(), bytes(), parameters())
      finish(args, 'rows', (to) => {
        const before = [weights.address, entries, groups, blocks, last, constants, m]
        kernels.parallel('nmGemvI8', [...before, bytes(), parameters(), to.address, to.rowStride], parts)
      })
    },
  }
}

function kernel(variant: WasmVariant, layout: 'nm' | 'nmg'): NmKernel {
  const contract = { operation: 'nmGemm', layout, contract: `nmGemm_${layout}_i8`, formatPrefix: '' } as const
  return {
    name: `${contract.contract}__wasm_${variant}_swizzle`,
    operation: 'nmGemm',
    backend: 'wasm',
    variant: `${variant}_swizzle`,
    types: I8_TYPES,
    format: 'i8-swizzle',
    dense: false,
    supports(problem) {
      if (problem.valueType !== 'i8') return otherValues('i8', problem)
      const supported = supportsContract(problem, contract)
      if (supported !== true) return supported
      const { pattern, n, k, groupColumns = k } = problem
      const entries = entriesOfFour(pattern)
      if (n > 1) return `is for one column, these are ${n}`
      if (entries === 0) return `is for 1:2, 1:4 and 2:4, these are ${pattern.n}:${pattern.m}`
      const wide = blockColumns(entries)
      return (
        groupColumns >= k ||
        groupColumns % wide === 0 ||
        `is for scales of whole blocks of ${wide} columns, these are of ${groupColumns}`
      )
    },
    runFeatures: ({ m, k, n, nnz }) => [1, nnz * n, m * n, k * n],
    packFeatures: ({ nnz, m }) => [nnz, m],
    pack: (w, _problem, target) => new EightPacking(expectWasmBackend(target, 'nmGemm'), w as CompactNmWeights),
    plan: (problem, packing, target) => plan(problem, packing, expectWasmBackend(target, 'nmGemm')),
  }
}

/** One column of quantised activations: two bits for the column of each weight. */
export function columnI8Kernels(variant: WasmVariant): NmKernel[] {
  return [kernel(variant, 'nm'), kernel(variant, 'nmg')]
}
