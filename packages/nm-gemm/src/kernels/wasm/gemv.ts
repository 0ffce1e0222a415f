import {
  balancedRanges,
  createFinish,
  expectWasmBackend,
  F32_TYPES,
  type Packing,
  type ProductArguments,
  type Runner,
  StreamPacking,
  type Tensor,
  type WasmBackend,
  type WasmVariant,
  Workspace,
} from '@nnz/core'
import * as set from '../../generated/wasm.ts'
import type { NmProblem } from '../../problem.ts'
import { regularRows } from '../regular-rows.ts'
import type { NmKernel } from '../types.ts'
import { EIGHT, entriesOfFour, layOutGather, layOutSwizzle, type SwizzleGeometry } from './gemv-layouts.ts'

/** Columns whose byte offsets fit into 16 bits. */
const GATHER_COLUMNS = 16384

/** Copies a column to f32s from `at` on, and zeros behind it up to `length`. */
function writeColumn({ data, shape, strides }: Tensor, f32: Float32Array, at: number, length: number): void {
  const [rows] = shape
  if (strides[0] === 1) f32.set(data.length === rows ? data : data.subarray(0, rows), at)
  else for (let i = 0; i < rows; i++) f32[at + i] = data[i * strides[0]]
  f32.fill(0, at + rows, at + length)
}

/** A column in front of a microkernel, which gets `before`, x, y, the stride of y, and a range of units. */
function runner(
  problem: NmProblem,
  backend: WasmBackend,
  kernel: { name: string; before: readonly number[]; units: number; paddedColumns: number },
): Runner<ProductArguments> {
  const { memory } = backend
  const kernels = backend.kernels(set)
  const workspace = new Workspace(backend)
  const xRoom = workspace.region(kernel.paddedColumns * 4)
  const finish = createFinish(problem, backend, workspace)
  const parts = balancedRanges(kernel.units, backend.threads === 1 ? 1 : 4 * backend.threads, () => 1)
  return {
    run(args) {
      if (args.x.shape[1] === 0) return
      writeColumn(args.x, memory.f32, xRoom() / 4, kernel.paddedColumns)
      finish(args, 'rows', (to) => {
        kernels.parallel(kernel.name, [...kernel.before, xRoom(), to.address, to.rowStride], parts)
      })
    },
  }
}

function planSwizzle(problem: NmProblem, packing: Packing, backend: WasmBackend): Runner<ProductArguments> {
  const weights = packing as StreamPacking<SwizzleGeometry>
  const { entries, blocks, groups, valueBytes } = weights.geometry
  return runner(problem, backend, {
    name: 'nmGemvSwizzle',
    before: [weights.stream, weights.stream + valueBytes, weights.table(0), entries, blocks, groups, problem.m],
    units: Math.ceil(problem.m / EIGHT),
    paddedColumns: groups * 4,
  })
}

function planGather(problem: NmProblem, packing: Packing, backend: WasmBackend): Runner<ProductArguments> {
  const weights = packing as StreamPacking<{ steps: number }>
  return runner(problem, backend, {
    name: 'nmGemvGather',
    before: [weights.stream, weights.geometry.steps, problem.m],
    units: Math.ceil(problem.m / 4),
    paddedColumns: problem.k,
  })
}

function column(
  variant: WasmVariant,
  layout: 'nm' | 'nmg',
  method: Pick<NmKernel, 'format' | 'supports' | 'pack' | 'plan'>,
): NmKernel {
  return {
    name: `nmGemm_${layout}_f32__wasm_${variant}_${method.format}`,
    operation: 'nmGemm',
    backend: 'wasm',
    variant: `${variant}_${method.format}`,
    types: F32_TYPES,
    dense: false,
    runFeatures: ({ m, k, n, nnz }) => [1, nnz * n, m * n, k * n],
    packFeatures: ({ nnz, m }) => [nnz, m],
    ...method,
    supports(problem) {
      if (problem.layout !== layout) return `is for ${layout} weights, these are ${problem.layout}`
      if (problem.operation === 'nmGemmTransposed') return 'is for w as it is, not transposed'
      if (problem.n > 1) return `is for one column, these are ${problem.n}`
      return method.supports(problem)
    },
  }
}

/** One column: one or two of four columns are picked by two bits for each entry, others by offsets. */
export function columnKernels(variant: WasmVariant): NmKernel[] {
  return (['nm', 'nmg'] as const).flatMap((layout) => [
    column(variant, layout, {
      format: 'swizzle',
      supports: ({ pattern }) =>
        entriesOfFour(pattern) > 0 || `is for 1:2, 1:4 and 2:4, these are ${pattern.n}:${pattern.m}`,
      pack: (w, _problem, target) =>
        new StreamPacking(expectWasmBackend(target, 'nmGemm'), undefined, () => layOutSwizzle(regularRows(w))),
      plan: (problem, packing, target) => planSwizzle(problem, packing, expectWasmBackend(target, 'nmGemm')),
    }),
    column(variant, layout, {
      format: 'gather',
      supports: ({ k }) => k <= GATHER_COLUMNS || `is for at most ${GATHER_COLUMNS} columns of w, these are ${k}`,
      pack: (w, _problem, target) =>
        new StreamPacking(expectWasmBackend(target, 'nmGemm'), undefined, () => layOutGather(regularRows(w))),
      plan: (problem, packing, target) => planGather(problem, packing, expectWasmBackend(target, 'nmGemm')),
    }),
  ])
}
