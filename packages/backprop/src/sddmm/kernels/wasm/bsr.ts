import {
  expectWasmBackend,
  F32_TYPES,
  type Packing,
  type Runner,
  type WasmBackend,
  type WasmVariant,
  Workspace,
} from '@nnz/core'
import * as set from '../../../generated/wasm.ts'
import type { SddmmProblem } from '../../problem.ts'
import type { SddmmArguments, SddmmKernel } from '../types.ts'
import { createStage } from './operands.ts'
import { createResults } from './results.ts'
import { Structure } from './structure.ts'

/** Vectors of a row that are multiplied at once: with 32 rows of X they fill half of L1. */
const CHUNK_VECTORS = 32

function plan(problem: SddmmProblem, packing: Packing, backend: WasmBackend): Runner<SddmmArguments> {
  const { m, k, n: most, nnz, blockShape } = problem
  const pattern = packing as Structure
  const [r, c] = blockShape!
  const kernels = backend.kernels(set)
  const workspace = new Workspace(backend)
  const left = createStage(backend, workspace, m, most)
  const right = createStage(backend, workspace, k, most)
  const results = createResults(backend, workspace, nnz, pattern.outside)
  return {
    run(args) {
      const { a, b, out, accumulate } = args
      const vectors = Math.ceil(a.shape[1] / 4)
      if (vectors === 0) {
        if (!accumulate) out.fill(0)
        return
      }
      const y = left.rows(a, CHUNK_VECTORS)
      // Rows further apart than a chunk would share few sets of L1.
      const x = vectors > CHUNK_VECTORS ? right.panels(b, CHUNK_VECTORS) : right.rows(b, CHUNK_VECTORS)
      const operands = [y.address, y.stride, x.address, x.stride, vectors, CHUNK_VECTORS]
      results(args, (address, add) => {
        const shape = [pattern.rowOffsets, pattern.columns, m, k, r, c]
        kernels.parallel('sddmmBsr', [...shape, ...operands, address, add], pattern.ranges)
      })
    },
  }
}

/** Whole blocks, by tiles of two rows and four columns. */
export function bsrTiles(variant: WasmVariant): SddmmKernel {
  return {
    name: `sddmm_bsr_f32__wasm_${variant}_tiles`,
    operation: 'sddmm',
    backend: 'wasm',
    variant: `${variant}_tiles`,
    types: F32_TYPES,
    format: 'sddmm-structure',
    dense: false,
    supports: ({ layout }) => layout === 'bsr' || `is for bsr patterns, this is ${layout}`,
    runFeatures({ m, k, n, nnz, blockShape }) {
      const [r, c] = blockShape ?? [1, 1]
      const vectors = Math.ceil(n / 4)
      const chunks = Math.ceil(vectors / CHUNK_VECTORS)
      const tiles = (nnz / (r * c)) * Math.ceil(r / 2) * Math.ceil(c / 4)
      return [1, tiles * vectors, tiles * chunks, (nnz / (r * c)) * chunks, (m + k) * vectors]
    },
    packFeatures: ({ nnz, blockShape }) => [nnz / ((blockShape?.[0] ?? 1) * (blockShape?.[1] ?? 1))],
    pack: (pattern, _problem, target) => new Structure(expectWasmBackend(target, 'sddmm'), pattern),
    plan: (problem, packing, target) => plan(problem, packing, expectWasmBackend(target, 'sddmm')),
  }
}
