import {
  balancedRanges,
  type Csr,
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
import { OffsetStream, streamShape } from './stream.ts'

/** The widest panel that the microkernel has registers for: see kernels-wasm/assembly/backprop/dots.ts. */
const WIDEST = 8

/** Width of panels in vectors: as few panels as there can be, of about one width. */
function panelWidth(vectors: number): number {
  return Math.max(1, Math.ceil(vectors / Math.ceil(vectors / WIDEST || 1)))
}

function plan(problem: SddmmProblem, packing: Packing, backend: WasmBackend): Runner<SddmmArguments> {
  const { m, k, n: most, nnz } = problem
  const pattern = packing as OffsetStream
  const { windowRows, kBlock } = pattern.shape
  const kernels = backend.kernels(set)
  const workspace = new Workspace(backend)
  const left = createStage(backend, workspace, m, most)
  const right = createStage(backend, workspace, k, most)
  const results = createResults(backend, workspace, nnz)
  const { windowBytes } = pattern
  const parts = balancedRanges(
    windowBytes.length,
    backend.threads === 1 ? 1 : 4 * backend.threads,
    (window) => windowBytes[window] + 1,
  )
  return {
    run(args) {
      const { a, b, out, accumulate } = args
      const vectors = Math.ceil(a.shape[1] / 4)
      if (vectors === 0) {
        if (!accumulate) out.fill(0)
        return
      }
      const width = panelWidth(vectors)
      const y = left.rows(a, width)
      const x = right.panels(b, width)
      results(args, (address, add) => {
        const weights = [pattern.stream, pattern.segments, pattern.entries, m, k, windowRows, kBlock]
        kernels.parallel('sddmmCsr', [...weights, y.address, y.stride, x.address, vectors, width, address, add], parts)
      })
    },
  }
}

/** Dot products at single entries, four at once. */
export function csrDots(variant: WasmVariant): SddmmKernel {
  return {
    name: `sddmm_csr_f32__wasm_${variant}_dots`,
    operation: 'sddmm',
    backend: 'wasm',
    variant: `${variant}_dots`,
    types: F32_TYPES,
    format: 'sddmm-offsets',
    dense: false,
    supports: ({ layout }) => layout === 'csr' || `is for csr patterns, this is ${layout}`,
    runFeatures({ m, k, n, nnz }) {
      const vectors = Math.ceil(n / 4)
      const panels = Math.ceil(vectors / panelWidth(vectors))
      const { kBlock } = streamShape(m, k, nnz)
      const visits = Math.min(nnz, m * Math.max(1, Math.ceil(k / kBlock)))
      return [1, nnz * vectors, nnz * panels, visits * vectors, visits * panels, (m + k) * vectors, nnz]
    },
    packFeatures: ({ nnz, m }) => [nnz, m],
    pack(pattern, { m, k, nnz }, target) {
      return new OffsetStream(expectWasmBackend(target, 'sddmm'), pattern as Csr, streamShape(m, k, nnz))
    },
    plan: (problem, packing, target) => plan(problem, packing, expectWasmBackend(target, 'sddmm')),
  }
}
