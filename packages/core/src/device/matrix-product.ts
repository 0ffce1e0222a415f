import { toBf16Bits, toF16Bits } from '../compact/half.ts'
import type { TensorCoreParts } from '../layouts/nm-tensor-core.ts'
import type { Packing, Runner } from '../plan/kernel.ts'
import { ACTIVATIONS, type Activation } from '../product/activation.ts'
import type { ProductProblem } from '../product/problem.ts'
import type { DeviceBackend, DeviceMemory } from './device.ts'
import { DEVICE_ACTIVATIONS, DEVICE_TYPES } from './product-codes.ts'
import type { DeviceProductArguments } from './product-plan.ts'

/** 16-bit types, which tensor cores multiply. */
export type HalfType = 'f16' | 'bf16'

/** Rows and columns that the weights of a tensor-core product are filled up to with zeros. */
const ROWS = 16
const COLUMNS = 32

/** Why an activation is not one that kernels on devices apply; `true` if it is. */
export function supportsOnDevice(activation: Activation): true | string {
  if (activation in DEVICE_ACTIVATIONS) return true
  return `applies ${ACTIVATIONS.filter((known) => known in DEVICE_ACTIVATIONS).join(', ')}, this is ${activation}`
}

/** A matrix filled up with zeros as {@link TensorCorePacking} takes it. */
export function paddedDense(
  values: Float32Array,
  [rows, columns]: readonly [number, number],
): TensorCoreParts['values'] {
  const [height, width] = paddedShape(rows, columns)
  const result = new Float32Array(height * width)
  for (let row = 0; row < rows; row++) result.set(values.subarray(row * columns, (row + 1) * columns), row * width)
  return result
}

function paddedShape(rows: number, columns: number): [number, number] {
  return [Math.ceil(rows / ROWS) * ROWS, Math.ceil(columns / COLUMNS) * COLUMNS]
}

/** Weights of a tensor-core product on a device: dense, or 2:4 with metadata. */
export class TensorCorePacking implements Packing {
  readonly weights: DeviceMemory
  readonly metadata: DeviceMemory | undefined
  readonly #type: HalfType
  readonly #backend: DeviceBackend
  readonly #layOut: (values: Float32Array) => Float32Array

  /** `layOut` gives the stored numbers for values in the layout's canonical order. */
  constructor(
    backend: DeviceBackend,
    type: HalfType,
    stored: { values: Float32Array; metadata?: Uint32Array },
    layOut: (values: Float32Array) => Float32Array,
  ) {
    this.#backend = backend
    this.#type = type
    this.#layOut = layOut
    this.weights = backend.reserve(this.#bits(stored.values))
    this.metadata = stored.metadata && backend.reserve(stored.metadata)
  }

  #bits(values: Float32Array): Uint16Array {
    return Uint16Array.from(values, this.#type === 'f16' ? toF16Bits : toBf16Bits)
  }

  get bytes(): number {
    return this.weights.bytes + (this.metadata?.bytes ?? 0)
  }

  updateValues(values: Float32Array): void {
    this.#backend.write(this.weights, this.#bits(this.#layOut(values)))
  }

  dispose(): void {
    this.weights.dispose()
    this.metadata?.dispose()
  }
}

/** Runs a tensor-core product of packed weights [m, k]. */
export function tensorCoreRunner(
  { m, k, orientation, activation }: ProductProblem,
  packing: TensorCorePacking,
  backend: DeviceBackend,
): Runner<DeviceProductArguments> {
  const [paddedRows, paddedInner] = paddedShape(m, k)
  const { weights, metadata } = packing
  return {
    run({ x, y, columns, bias, residual }) {
      backend.launch('gemm', {
        weights,
        metadata,
        x: x.memory,
        bias: bias?.memory,
        residual: residual?.memory,
        y: y.memory,
        scales: undefined,
        rows: m,
        inner: k,
        columns,
        paddedRows,
        paddedInner,
        xStride: x.strides[0],
        yStride: y.strides[0],
        tokenMajor: Number(orientation === 'tokens'),
        activation: DEVICE_ACTIVATIONS[activation]!,
        type: DEVICE_TYPES[x.dtype],
        output: DEVICE_TYPES[y.dtype],
      })
    },
  }
}
