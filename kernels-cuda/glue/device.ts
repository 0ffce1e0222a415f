import { BackendUnavailableError, rangeError, typeError } from '@nnz/core'
import type { Addon, Address, DeviceProperties, PoolState } from './addon.ts'
import { encode, type LaunchArguments, type Signature, signaturesOf } from './launch.ts'

/** Memory on a device; released by `dispose()`, ordered after what the stream has to do, or when it is unreachable. */
export class DeviceMemory {
  readonly address: Address
  readonly bytes: number
  readonly #device: Device
  #disposed = false

  constructor(device: Device, address: Address, bytes: number) {
    this.#device = device
    this.address = address
    this.bytes = bytes
  }

  isOn(device: Device): boolean {
    return this.#device === device
  }

  get disposed(): boolean {
    return this.#disposed
  }

  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#device.release(this)
  }
}

/** A CUDA device with one stream: memory, copies and launches in order. */
export class Device {
  readonly index: number
  readonly properties: DeviceProperties
  readonly #addon: Addon
  readonly #signatures: ReadonlyMap<string, Signature>
  readonly #stream: Address
  /** Frees what was forgotten. */
  readonly #forgotten: FinalizationRegistry<Address>

  /** @throws BackendUnavailableError where there is no such device, with the name of CUDA's error */
  constructor(addon: Addon, index: number) {
    this.#addon = addon
    this.index = index
    try {
      const count = addon.countDevices()
      if (!(Number.isInteger(index) && index >= 0 && index < count))
        throw rangeError('NNZ_VALUE', `cuda.open: expected a device from 0 to ${count - 1}, got ${index}`)
      this.properties = addon.openDevice(index)
      this.#stream = addon.createStream()
    } catch (cause) {
      if (!(cause instanceof Error && 'cudaError' in cause)) throw cause
      const advice = 'a driver and a device are needed: see what nvidia-smi says'
      throw new BackendUnavailableError(`cuda.open: ${cause.message}; ${advice}`, { cause })
    }
    this.#signatures = signaturesOf(addon.launchers)
    this.#forgotten = new FinalizationRegistry((address) => addon.free(address, this.#stream))
  }

  /** Names of everything that can be launched. */
  get operations(): readonly string[] {
    return [...this.#signatures.keys()]
  }

  /**
   * Memory of so many bytes, not initialised.
   *
   * @throws RangeError `NNZ_MEMORY` where the device has no more; the device stays usable
   */
  allocate(bytes: number): DeviceMemory {
    let address: Address
    try {
      // Empty tensors have an address too.
      address = this.#addon.allocate(Math.max(bytes, 1), this.#stream)
    } catch (cause) {
      if ((cause as { cudaError?: string }).cudaError !== 'cudaErrorMemoryAllocation') throw cause
      const { used } = this.#addon.inspectPool(this.index)
      const error = rangeError('NNZ_MEMORY', `cuda: no ${bytes} bytes more on the device, ${used} are in use`)
      throw Object.assign(error, { cause })
    }
    const memory = new DeviceMemory(this, address, bytes)
    this.#forgotten.register(memory, address, memory)
    return memory
  }

  /** @internal */
  release(memory: DeviceMemory): void {
    this.#forgotten.unregister(memory)
    this.#addon.free(memory.address, this.#stream)
  }

  /** Memory that holds a copy of `data`. */
  upload(data: ArrayBufferView): DeviceMemory {
    const memory = this.allocate(data.byteLength)
    this.write(memory, data)
    return memory
  }

  /** Copies `data` to the beginning of `memory`; it has been taken over when this returns. */
  write(memory: DeviceMemory, data: ArrayBufferView): void {
    this.#expectAlive(memory)
    if (data.byteLength > memory.bytes)
      throw rangeError('NNZ_SHAPE', `cuda: ${data.byteLength} bytes do not fit into ${memory.bytes}`)
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)
    this.#addon.write(memory.address, bytes, this.#stream)
  }

  /** Whether memory was reserved on this device. */
  owns(memory: unknown): memory is DeviceMemory {
    return memory instanceof DeviceMemory && memory.isOn(this)
  }

  /** Sets every byte of `memory`. */
  fill(memory: DeviceMemory, byte: number): void {
    this.#expectAlive(memory)
    this.#addon.fill(memory.address, byte, memory.bytes, this.#stream)
  }

  /** What the memory holds once everything enqueued before is done. Rejects with what went wrong meanwhile. */
  async read(memory: DeviceMemory): Promise<ArrayBuffer> {
    this.#expectAlive(memory)
    return await this.#addon.read(memory.address, memory.bytes, this.#stream, this.index)
  }

  /** Enqueues an operation of the addon. */
  launch(operation: string, given: LaunchArguments): void {
    const signature = this.#signatures.get(operation)
    if (!signature) throw rangeError('NNZ_BACKEND', `cuda: the addon has no operation ${operation}: build it again`)
    this.#addon.launch(signature.index, encode(operation, signature, given), this.#stream)
  }

  /** Resolves when everything enqueued so far is done. */
  async synchronize(): Promise<void> {
    await this.#addon.synchronize(this.#stream, this.index)
  }

  /** Milliseconds on the device's own clock that `work` took from its first to its last enqueued operation. */
  async time(work: () => void): Promise<number> {
    const [from, to] = [this.#addon.createEvent(), this.#addon.createEvent()]
    try {
      this.#addon.record(from, this.#stream)
      work()
      this.#addon.record(to, this.#stream)
      await this.synchronize()
      return this.#addon.elapsed(from, to)
    } finally {
      this.#addon.destroyEvent(from)
      this.#addon.destroyEvent(to)
    }
  }

  /** The device's memory pool. */
  get pool(): PoolState {
    return this.#addon.inspectPool(this.index)
  }

  /** Gives back pooled memory that is not in use, down to `bytes`. */
  trim(bytes = 0): void {
    this.#addon.trimPool(this.index, bytes)
  }

  #expectAlive(memory: DeviceMemory): void {
    if (memory.disposed) throw typeError('NNZ_DISPOSED', 'cuda: the memory was disposed')
  }
}
