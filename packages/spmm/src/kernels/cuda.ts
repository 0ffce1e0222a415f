import {
  DEVICE_ACTIVATIONS,
  DEVICE_TYPES,
  type DeviceBackend,
  type DeviceMemory,
  type DeviceProductArguments,
  deviceDenseCandidate,
  deviceRow,
  expectDevice,
  isCompact,
  type Packing,
  type Runner,
  supportsOnDevice,
} from '@nnz/core'
import { type AnyWeights, bytes, flops, type SparseWeights, type SpmmProblem } from '../problem.ts'
import { otherValues, requantised, widened } from './compact/values.ts'
import { denseView } from './dense.ts'
import type { SpmmKernel } from './types.ts'

type CsrWeights = Extract<AnyWeights, { layout: 'csr' }>

/** The values as they are stored, or others stored in the same way. */
function storedData(w: AnyWeights, values?: Float32Array): ArrayBufferView {
  if (!isCompact<SparseWeights>(w)) return values ?? w.values
  return (values ? requantised(w, values) : w).values.data
}

/** CSR on a device, its rows in falling order of their numbers of entries beside it. */
class CsrOnDevice implements Packing {
  readonly rowOrder: DeviceMemory
  readonly rowOffsets: DeviceMemory
  readonly columnIndices: DeviceMemory
  readonly values: DeviceMemory
  readonly #weights: CsrWeights
  readonly #backend: DeviceBackend

  constructor(weights: CsrWeights, backend: DeviceBackend) {
    const { rowOffsets, columnIndices, shape } = weights
    const length = (row: number) => rowOffsets[row + 1] - rowOffsets[row]
    const order = Uint32Array.from({ length: shape[0] }, (_, row) => row).sort((a, b) => length(b) - length(a) || a - b)
    this.#weights = weights
    this.#backend = backend
    this.rowOrder = backend.reserve(order)
    this.rowOffsets = backend.reserve(rowOffsets)
    this.columnIndices = backend.reserve(columnIndices)
    this.values = backend.reserve(storedData(weights))
  }

  get bytes(): number {
    return this.#parts.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  get #parts(): DeviceMemory[] {
    return [this.rowOrder, this.rowOffsets, this.columnIndices, this.values]
  }

  updateValues(values: Float32Array): void {
    this.#backend.write(this.values, storedData(this.#weights, values))
  }

  dispose(): void {
    for (const part of this.#parts) part.dispose()
  }
}

function plan(problem: SpmmProblem, packing: Packing, backend: DeviceBackend): Runner<DeviceProductArguments> {
  const { rowOrder, rowOffsets, columnIndices, values } = packing as CsrOnDevice
  return {
    run({ x, y, columns, bias, residual }) {
      backend.launch('spmm_csr', {
        rowOrder,
        rowOffsets,
        columnIndices,
        values,
        x: x.memory,
        bias: bias?.memory,
        residual: residual?.memory,
        y: y.memory,
        rows: problem.m,
        columns,
        xStride: x.strides[0],
        yStride: y.strides[0],
        activation: DEVICE_ACTIVATIONS[problem.activation]!,
        type: DEVICE_TYPES[x.dtype],
      })
    },
  }
}

function csrKernel(values: 'f32' | 'half'): SpmmKernel {
  return deviceRow<SpmmProblem, AnyWeights>({
    name: `spmm_csr_${values}__cuda_sm80_rows`,
    operation: 'spmm',
    backend: 'cuda',
    variant: 'sm80_rows',
    types: { weights: values, activations: 'f32', accumulator: 'f32', output: 'f32' },
    format: 'csr rows',
    dense: false,
    supports({ layout, valueType, activation, orientation }) {
      if (layout !== 'csr') return `is for csr weights, these are ${layout}`
      if (orientation !== 'columns') return 'is for columns beside each other, these are token-major'
      if ((values === 'f32') !== (valueType === undefined) || valueType === 'i8') return otherValues(values, valueType)
      return supportsOnDevice(activation)
    },
    runFeatures: (problem) => [1, flops(problem), bytes(problem)],
    packFeatures: ({ nnz }) => [nnz],
    pack: (w, _, backend) => new CsrOnDevice(w as CsrWeights, expectDevice(backend, 'spmm')),
    plan: (problem, packing, backend) => plan(problem, packing, expectDevice(backend, 'spmm')),
  })
}

/** On CUDA devices, through the backend of @nnz/cuda. */
export const cudaKernels: readonly SpmmKernel[] = [
  csrKernel('f32'),
  csrKernel('half'),
  ...(['csr', 'bsr'] as const).map((layout) => {
    const view = denseView(layout)
    return deviceDenseCandidate<SpmmProblem, AnyWeights>({
      ...view,
      toDense: (w, own) => view.toDense(widened(w), own),
    })
  }),
]
