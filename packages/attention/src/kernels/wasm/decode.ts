import { balancedRanges, F32_TYPES, type Runner, type WasmBackend, type WasmVariant, Workspace } from '@nnz/core'
import type { KeyValueCache } from '../../decode/cache.ts'
import { type DecodeArguments, type DecodeKernel, type DecodeProblem, visible } from '../../decode/problem.ts'
import * as set from '../../generated/wasm.ts'
import type { Heads } from '../../operands.ts'
import { CachePacking } from '../decode-js.ts'
import { isFor } from '../types.ts'
import { inPlace, placeInput, placeOutput } from './place.ts'
import { expectWasm } from './runner.ts'

const RECORD_BYTES = 128

/** The pages as an operand of their own. */
function pagesOf(tensor: KeyValueCache['storage']['keys']): Heads {
  const [pages, keyHeads, pageSize, headDim] = tensor.shape
  const strides = [tensor.strides[0], tensor.strides[1], tensor.strides[2]] as const
  return { data: tensor.data, shape: [pages, keyHeads, pageSize, headDim], strides, tensor }
}

function decodeRunner(problem: DecodeProblem, cache: KeyValueCache, backend: WasmBackend): Runner<DecodeArguments> {
  const { heads, keyHeads, tokens, headDim, pageSize, pages } = problem
  const { memory } = backend
  const kernels = backend.kernels(set)
  const workspace = new Workspace(backend)
  const rows = (heads / keyHeads) * tokens
  const scratchBytes = 64 * Math.ceil((rows * (4 * headDim + 16) + 4 * pageSize + 16) / 64)
  const record = workspace.region(RECORD_BYTES)
  const queryRoom = workspace.region(4 * heads * tokens * headDim)
  const outputRoom = workspace.region(4 * heads * tokens * headDim)
  const logRoom = workspace.region(4 * heads * tokens)
  const offsetsRoom = workspace.region(4 * (keyHeads + 1))
  const entriesRoom = workspace.region(12 * keyHeads * pages)
  const scratch = workspace.region(keyHeads * scratchBytes)
  // A cache of another backend is copied whole: slow, but right.
  const inMemory = inPlace(pagesOf(cache.storage.keys), memory) !== undefined
  const pageRoom = workspace.region(inMemory ? 0 : 4 * keyHeads * pages * pageSize * headDim)
  const valueRoom = workspace.region(inMemory ? 0 : 4 * keyHeads * pages * pageSize * headDim)
  const ranges = balancedRanges(keyHeads, backend.threads === 1 ? 1 : keyHeads, () => 1)
  return {
    run({ q, scale, causal, blocks, output, logSumExp }) {
      const from = placeInput(q, memory, queryRoom())
      const to = placeOutput(output, memory, outputRoom())
      const keys = placeInput(pagesOf(cache.storage.keys), memory, pageRoom())
      const values = placeInput(pagesOf(cache.storage.values), memory, valueRoom())
      const { i32, f32 } = memory
      let entry = entriesRoom() / 4
      const start = entry
      i32[offsetsRoom() / 4] = 0
      blocks.forEach((list, head) => {
        for (const block of list) {
          i32[entry++] = 4 * cache.pageOf(block) * keyHeads * pageSize * headDim
          i32[entry++] = cache.tokensOf(block)
          i32[entry++] = block * pageSize
        }
        i32[offsetsRoom() / 4 + head + 1] = (entry - start) / 3
      })
      const at = record() / 4
      const tensors = [
        from.address,
        from.strides[1],
        from.strides[2],
        to.address,
        to.strides[1],
        to.strides[2],
        logRoom(),
      ]
      const sizes = [keys.address, values.address, 4 * pageSize * headDim, heads / keyHeads, tokens, headDim]
      i32.set([...tensors, ...sizes], at)
      f32[at + 13] = scale
      const limit = visible(cache.length, tokens, 0, causal)
      const lists = [
        blocks.length,
        offsetsRoom(),
        entriesRoom(),
        limit,
        causal ? 1 : 0,
        scratch(),
        scratchBytes,
        pageSize,
      ]
      i32.set(lists, at + 14)
      kernels.parallel('decode', [record()], ranges)
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
