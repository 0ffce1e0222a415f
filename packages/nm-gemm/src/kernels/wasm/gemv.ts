import {
  balancedRanges,
  createFinish,
  expectWasmBackend,
  F32_TYPES,
  type HalfValues,
  type PackedForm,
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
import type { AnyNmWeights, CompactNmWeights, NmProblem } from '../../problem.ts'
import { isHalf } from '../compact/widen.ts'
import { columnsOf, regularRows } from '../regular-rows.ts'
import type { F32Kernel, NmKernel } from '../types.ts'
import { EIGHT, entriesOfFour, layOutGather, layOutSwizzle, type SwizzleGeometry } from './gemv-layouts.ts'
import { RewrittenPacking } from './rewritten-packing.ts'

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

/** The numbers that the microkernel knows types of values by. */
const VALUE_CODES: Record<string, number> = { f32: 0, bf16: 1, f16: 2 }

function swizzled(w: AnyNmWeights): PackedForm<SwizzleGeometry> {
  const { shape, n, m, g, values } = w
  const numbers = values instanceof Float32Array ? values : (values as HalfValues).data
  return layOutSwizzle({ shape, pattern: { n, m, g }, ...columnsOf(w) }, numbers)
}

function planSwizzle(problem: NmProblem, packing: Packing, backend: WasmBackend): Runner<ProductArguments> {
  const weights = packing as StreamPacking<SwizzleGeometry>
  const { entries, blocks, groups, valueBytes } = weights.geometry
  return runner(problem, backend, {
    name: 'nmGemvSwizzle',
    before: [
      weights.stream,
      VALUE_CODES[problem.valueType ?? 'f32'],
      weights.stream + valueBytes,
      weights.table(0),
      entries,
      blocks,
      groups,
      problem.m,
    ],
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
  method: Pick<F32Kernel, 'format' | 'supports' | 'pack' | 'plan'>,
): F32Kernel {
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
export function columnKernels(variant: WasmVariant): F32Kernel[] {
  return (['nm', 'nmg'] as const).flatMap((layout) => [
    column(variant, layout, {
      format: 'swizzle',
      supports: ({ pattern }) =>
        entriesOfFour(pattern) > 0 || `is for 1:2, 1:4 and 2:4, these are ${pattern.n}:${pattern.m}`,
      pack: (w, _problem, target) =>
        new StreamPacking(expectWasmBackend(target, 'nmGemm'), undefined, () => swizzled(w)),
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

/** The same for weights of 16 bits, which are read as they are. */
export function halfColumnKernels(variant: WasmVariant): NmKernel[] {
  return columnKernels(variant)
    .filter(({ format }) => format === 'swizzle')
    .map((row) => ({
      ...row,
      name: row.name.replace('_f32__', '_half__'),
      types: { ...F32_TYPES, weights: 'half' },
      format: 'half-swizzle',
      supports: (problem) => {
        const half = isHalf(problem)
        return half === true ? row.supports(problem) : half
      },
      pack: (w, _problem, target) =>
        new RewrittenPacking(expectWasmBackend(target, 'nmGemm'), w as CompactNmWeights, swizzled),
      plan: (problem, packing, target) => row.plan(problem, packing, target),
    }))
}
