import { balancedRanges, F32_TYPES, type Runner, type WasmBackend, type WasmVariant, Workspace } from '@nnz/core'
import type { KeyValueCache } from '../../decode/cache.ts'
import { type DecodeArguments, type DecodeKernel, type DecodeProblem, visible } from '../../decode/problem.ts'
import * as set from '../../generated/wasm.ts'
import type { Heads } from '../../operands.ts'
import { CachePacking } from '../decode-js.ts'
import { isFor } from '../types.ts'
import { cutUnits, decodeSizes } from './decode-units.ts'
import { inPlace, placeInput, placeOutput } from './place.ts'
import { expectWasm } from './runner.ts'

const RECORD_BYTES = 128

/** The pages as an operand of their own. */
function pagesOf(tensor: KeyValueCache['storage']['keys']): Heads {
  const [keyHeads, pages, pageSize, headDim] = tensor.shape
  const strides = [tensor.strides[0], tensor.strides[1], tensor.strides[2]] as const
  return { data: tensor.data, shape: [keyHeads, pages, pageSize, headDim], strides, tensor }
}

function decodeRunner(problem: DecodeProblem, cache: KeyValueCache, backend: WasmBackend): Runner<DecodeArguments> {
  const { heads, keyHeads, tokens, headDim, pageSize, pages } = problem
  const { memory } = backend
  const kernels = backend.kernels(set)
  const workspace = new Workspace(backend)
  const sizes = decodeSizes(problem)
  const parts = backend.threads === 1 ? 1 : 4 * backend.threads
  const record = workspace.region(RECORD_BYTES)
  const queryRoom = workspace.region(4 * heads * tokens * headDim)
  const outputRoom = workspace.region(4 * heads * tokens * headDim)
  const logRoom = workspace.region(4 * heads * tokens)
  const entriesRoom = workspace.region(12 * keyHeads * pages)
  const unitsRoom = workspace.region(12 * sizes.mostUnits)
  const offsetsRoom = workspace.region(4 * (keyHeads + 1))
  const boundsRoom = workspace.region(4 * (parts + 1))
  const states = workspace.region(sizes.mostUnits * sizes.unitBytes)
  const scratch = workspace.region(parts * sizes.scoreBytes)
  // A cache of another backend is copied whole: slow, but right.
  const inMemory = inPlace(pagesOf(cache.storage.keys), memory) !== undefined
  const pageRoom = workspace.region(inMemory ? 0 : 4 * keyHeads * pages * pageSize * headDim)
  const valueRoom = workspace.region(inMemory ? 0 : 4 * keyHeads * pages * pageSize * headDim)
  const partRanges = balancedRanges(parts, parts, () => 1)
  const headRanges = balancedRanges(keyHeads, parts, () => 1)

  /** Writes the table of entries: byte offset of the page, tokens, first position. */
  function writeEntries(blocks: DecodeArguments['blocks']): void {
    let entry = entriesRoom() / 4
    for (const list of blocks) {
      for (const block of list) {
        memory.i32[entry++] = 4 * cache.pageOf(block) * pageSize * headDim
        memory.i32[entry++] = cache.tokensOf(block)
        memory.i32[entry++] = block * pageSize
      }
    }
  }

  return {
    run({ q, scale, causal, blocks, output, logSumExp }) {
      const from = placeInput(q, memory, queryRoom())
      const to = placeOutput(output, memory, outputRoom())
      const keys = placeInput(pagesOf(cache.storage.keys), memory, pageRoom())
      const values = placeInput(pagesOf(cache.storage.values), memory, valueRoom())
      const { units, offsets } = cutUnits(sizes, blocks)
      const count = units.length / 3
      const bounds = new Int32Array(parts + 1).fill(count)
      const ranges = balancedRanges(count, parts, (unit) => units[3 * unit + 2] - units[3 * unit + 1])
      for (let part = 0; part < ranges.length / 2; part++) bounds[part] = ranges[2 * part]
      writeEntries(blocks)
      const { i32, f32 } = memory
      i32.set(units, unitsRoom() / 4)
      i32.set(offsets, offsetsRoom() / 4)
      i32.set(bounds, boundsRoom() / 4)
      const operands = [from, to].flatMap(({ address, strides }) => [address, strides[1], strides[2]])
      const before = [...operands, logRoom(), keys.address, values.address, 4 * pages * pageSize * headDim]
      before.push(heads / keyHeads, tokens, headDim)
      const work = [entriesRoom(), unitsRoom(), offsetsRoom(), boundsRoom()]
      const limits = [visible(cache.length, tokens, 0, causal), causal ? 1 : 0]
      const rooms = [states(), sizes.unitBytes, scratch(), sizes.scoreBytes, sizes.chunk, sizes.pageScores]
      const at = record() / 4
      i32.set(before, at)
      f32[at + before.length] = scale
      i32.set([...work, ...limits, ...rooms], at + before.length + 1)
      kernels.parallel('decode', [record()], partRanges)
      kernels.parallel('decodeMerge', [record()], headRanges)
      to.finish()
      logSumExp.set(f32.subarray(logRoom() / 4, logRoom() / 4 + logSumExp.length))
    },
  }
}

/** The WASM rows of `decodeAttention`, in both variants. */
export const wasmDecodeKernels: readonly DecodeKernel[] = (['relaxed', 'simd'] satisfies WasmVariant[]).map(
  (variant) => ({
    name: `decodeAttention_pages_f32__wasm_${variant}_pages`,
    operation: 'decodeAttention',
    backend: 'wasm',
    variant: `${variant}_pages`,
    types: F32_TYPES,
    format: 'pages',
    dense: false,
    supports: (problem) => isFor('decodeAttention', problem),
    runFeatures: ({ heads, tokens, keyHeads, headDim, pages, pageSize }) => [
      1,
      heads * tokens * headDim * pages * pageSize,
      keyHeads * headDim * pages * pageSize,
    ],
    packFeatures: () => [0],
    pack: (cache) => new CachePacking(cache),
    plan: (problem, packing, backend) => decodeRunner(problem, (packing as CachePacking).cache, expectWasm(backend)),
  }),
)
