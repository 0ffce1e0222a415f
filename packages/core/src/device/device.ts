import type { Backend } from '../backends/backend.ts'
import { describe, rangeError, typeError } from '../errors.ts'
import { isTensor, type Tensor } from '../tensor.ts'

/** Element types of tensors on a device. */
export type DeviceDtype = 'f32' | 'f16' | 'bf16'

/** Memory on a device. Released by `dispose()`, after what was enqueued before, or when it is unreachable. */
export interface DeviceMemory {
  readonly address: number
  readonly bytes: number
  dispose(): void
}

/**
 * A row-major tensor in the memory of a device. Operations on it are enqueued there; its elements are seen after
 * `await read()`.
 */
export interface DeviceTensor extends Partial<Disposable> {
  readonly dtype: DeviceDtype
  readonly shape: readonly number[]
  /** In elements; those of the last axis lie beside each other. */
  readonly strides: readonly number[]
  readonly backend: DeviceBackend
  readonly memory: DeviceMemory
  /**
   * The elements in f32, once everything that was enqueued before is done. Rejects with what went wrong on the device
   * meanwhile, and the name of the operation.
   */
  read(): Promise<Tensor>
  dispose(): void
}

/** What a launch takes: places on the device (undefined: none), whole numbers and numbers, by name. */
export type LaunchArguments = Readonly<Record<string, { readonly address: number } | number | undefined>>

/** A backend with memory of its own, which enqueues: `run` returns before the work is done. */
export interface DeviceBackend extends Backend {
  readonly device: true
  /** Copies a tensor to the device; it has been taken over when this returns. Rounds to nearest for 16-bit types. */
  upload(tensor: Tensor, options?: { dtype?: DeviceDtype | undefined }): DeviceTensor
  /** A tensor that is not initialised. Throws RangeError `NNZ_MEMORY` where the device has no more. */
  allocate(shape: readonly number[], dtype?: DeviceDtype): DeviceTensor
  /** Waits for everything enqueued so far; rejects with what went wrong. */
  synchronize(): Promise<void>

  /** Memory with a copy of `data`, or of so many bytes: for packings and workspaces of kernels. */
  reserve(data: ArrayBufferView | number): DeviceMemory
  /** Replaces the beginning of memory. */
  write(memory: DeviceMemory, data: ArrayBufferView): void
  /** Enqueues an operation of the device's library by its name. */
  launch(operation: string, given: LaunchArguments): void
}

/** Narrows to a backend with memory of its own. */
export function isDevice(backend: unknown): backend is DeviceBackend {
  return typeof backend === 'object' && backend !== null && 'device' in backend && backend.device === true
}

/** Narrows to a tensor on a device. */
export function isDeviceTensor(value: unknown): value is DeviceTensor {
  return (
    typeof value === 'object' && value !== null && 'memory' in value && 'backend' in value && isDevice(value.backend)
  )
}

/** The backend of a row for devices. Throws RangeError, in the name of the operation, for any other. */
export function expectDevice(backend: Backend, operation: string): DeviceBackend {
  if (isDevice(backend)) return backend
  throw rangeError('NNZ_BACKEND', `${operation}: this kernel needs a device, got the backend ${backend.name}`)
}

/**
 * A tensor on `backend` with `axes` axes: the one given, or an uploaded copy of a host tensor in `dtype`.
 *
 * @throws TypeError if it is neither, or was disposed
 * @throws RangeError if it lies elsewhere, has another type or number of axes
 */
export function expectOnDevice(
  value: unknown,
  backend: DeviceBackend,
  { dtype, axes, name }: { dtype: DeviceDtype; axes: number; name: string },
): DeviceTensor {
  if (!isDeviceTensor(value) && !isTensor(value))
    throw typeError('NNZ_TYPE', `${name}: expected a tensor, got ${describe(value)}`)
  if (value.shape.length !== axes)
    throw rangeError('NNZ_SHAPE', `${name}: expected ${axes} axes, got [${value.shape.join(', ')}]`)
  if (!isDeviceTensor(value)) return backend.upload(value, { dtype })
  if (value.backend !== backend) throw rangeError('NNZ_BACKEND', `${name}: lies on another device`)
  if (value.dtype !== dtype) throw rangeError('NNZ_VALUE', `${name}: expected ${dtype} elements, got ${value.dtype}`)
  return value
}

/** Whether two tensors can touch the same bytes. */
export function overlapOnDevice(a: DeviceTensor, b: DeviceTensor): boolean {
  const [from, to] = [a.memory, b.memory]
  return from.address < to.address + to.bytes && to.address < from.address + from.bytes
}
