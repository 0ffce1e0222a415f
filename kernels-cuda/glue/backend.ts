import {
  type DeviceBackend,
  type DeviceDtype,
  type DeviceMemory,
  type DeviceTensor,
  describe,
  fromBf16Bits,
  fromF16Bits,
  type LaunchArguments,
  rangeError,
  registerDispose,
  rowMajorStrides,
  type Tensor,
  tensor,
  toBf16Bits,
  toF16Bits,
  typeError,
} from '@nnz/core'
import type { DeviceProperties, PoolState } from './addon.ts'
import type { Device } from './device.ts'

const BYTES = { f32: 4, f16: 2, bf16: 2 } as const

/** A row-major tensor in device memory. */
export class CudaTensor implements DeviceTensor {
  declare readonly [Symbol.dispose]: () => void
  readonly dtype: DeviceDtype
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  readonly backend: CudaBackend
  readonly memory: DeviceMemory

  /** Use `backend.upload` or `backend.allocate`. */
  constructor(backend: CudaBackend, shape: readonly number[], dtype: DeviceDtype, memory: DeviceMemory) {
    this.backend = backend
    this.dtype = dtype
    this.shape = Object.freeze([...shape])
    this.strides = Object.freeze(rowMajorStrides(shape))
    this.memory = memory
  }

  async read(): Promise<Tensor> {
    return await this.backend.read(this)
  }

  dispose(): void {
    this.memory.dispose()
  }
}

registerDispose(CudaTensor.prototype)

/** A CUDA device as a backend of every operation. */
export class CudaBackend implements DeviceBackend {
  readonly device = true
  readonly name = 'cuda'
  readonly threads = 1
  readonly #device: Device

  /** Use `cuda.open`. */
  constructor(device: Device) {
    this.#device = device
  }

  /** What the device is and offers. */
  get properties(): DeviceProperties {
    return this.#device.properties
  }

  get variant(): string {
    return this.properties.major >= 9 ? 'sm90' : 'sm80'
  }

  get variants(): readonly string[] {
    return this.properties.major >= 9 ? ['sm90', 'sm80'] : ['sm80']
  }

  upload(source: Tensor, { dtype = 'f32' }: { dtype?: DeviceDtype | undefined } = {}): CudaTensor {
    if (!(dtype in BYTES))
      throw rangeError(
        'NNZ_VALUE',
        `upload: expected dtype to be one of ${Object.keys(BYTES).join(', ')}, got ${describe(dtype)}`,
      )
    const elements = rowMajorElements(source)
    return new CudaTensor(this, source.shape, dtype, this.#device.upload(stored(elements, dtype)))
  }

  allocate(shape: readonly number[], dtype: DeviceDtype = 'f32'): CudaTensor {
    const count = shape.reduce((a, b) => a * b, 1)
    return new CudaTensor(this, shape, dtype, this.#device.allocate(count * BYTES[dtype]))
  }

  /** The elements of a tensor in f32, once everything enqueued before is done. */
  async read({ memory, dtype, shape }: CudaTensor): Promise<Tensor> {
    const buffer = await this.#device.read(this.#own(memory))
    return tensor(widened(buffer, dtype), shape)
  }

  synchronize(): Promise<void> {
    return this.#device.synchronize()
  }

  reserve(data: ArrayBufferView | number): DeviceMemory {
    return typeof data === 'number' ? this.#device.allocate(data) : this.#device.upload(data)
  }

  write(memory: DeviceMemory, data: ArrayBufferView): void {
    this.#device.write(this.#own(memory), data)
  }

  launch(operation: string, given: LaunchArguments): void {
    this.#device.launch(operation, given)
  }

  /** Milliseconds on the device's clock that `work` took from its first to its last enqueued operation. */
  time(work: () => void): Promise<number> {
    return this.#device.time(work)
  }

  /** Bytes of the memory pool: in use, and kept. */
  get pool(): PoolState {
    return this.#device.pool
  }

  /** Gives back pooled memory that is not in use, down to `bytes`. */
  trim(bytes = 0): void {
    this.#device.trim(bytes)
  }

  #own(memory: DeviceMemory) {
    if (this.#device.owns(memory)) return memory
    throw typeError('NNZ_TYPE', `cuda: expected memory of this device, got ${describe(memory)}`)
  }
}

/** The elements of a host tensor without gaps. */
function rowMajorElements({ data, shape, strides }: Tensor): Float32Array {
  const count = shape.reduce((a, b) => a * b, 1)
  const result = new Float32Array(count)
  const place = new Array<number>(shape.length).fill(0)
  for (let i = 0; i < count; i++) {
    let from = 0
    for (let axis = 0; axis < shape.length; axis++) from += place[axis] * strides[axis]
    result[i] = data[from]
    for (let axis = shape.length - 1; axis >= 0 && ++place[axis] === shape[axis]; axis--) place[axis] = 0
  }
  return result
}

/** Rounded to nearest, ties to even; f16 without subnormals, as in compact layouts. */
function stored(elements: Float32Array, dtype: DeviceDtype): ArrayBufferView {
  if (dtype === 'f32') return elements
  return Uint16Array.from(elements, dtype === 'f16' ? toF16Bits : toBf16Bits)
}

function widened(buffer: ArrayBuffer, dtype: DeviceDtype): Float32Array {
  if (dtype === 'f32') return new Float32Array(buffer)
  return Float32Array.from(new Uint16Array(buffer), dtype === 'f16' ? fromF16Bits : fromBf16Bits)
}
