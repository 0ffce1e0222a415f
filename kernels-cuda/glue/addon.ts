import { BackendUnavailableError } from '@nnz/core'

/** Addresses in device memory, streams and events are numbers: all lie below 2^53. */
export type Address = number

/** What a launcher takes: members of 8 bytes each, by name. */
export interface Launcher {
  readonly name: string
  /** `kind:name`, separated by blanks: p a device address, i an integer, f a number. */
  readonly fields: string
}

/** What the compiled addon exports. Everything enqueues, except what returns a promise. */
export interface Addon {
  readonly abi: number
  readonly launchers: readonly Launcher[]
  countDevices(): number
  openDevice(index: number): DeviceProperties
  createStream(): Address
  destroyStream(stream: Address): void
  allocate(bytes: number, stream: Address): Address
  free(address: Address, stream: Address): void
  write(address: Address, bytes: Uint8Array, stream: Address): void
  fill(address: Address, byte: number, bytes: number, stream: Address): void
  read(address: Address, bytes: number, stream: Address, device: number): Promise<ArrayBuffer>
  launch(index: number, words: Uint8Array, stream: Address): void
  synchronize(stream: Address, device: number): Promise<void>
  createEvent(): Address
  destroyEvent(event: Address): void
  record(event: Address, stream: Address): void
  elapsed(from: Address, to: Address): number
  inspectPool(device: number): PoolState
  trimPool(device: number, bytes: number): void
}

export interface DeviceProperties {
  readonly name: string
  /** Bytes of device memory. */
  readonly memory: number
  readonly multiprocessors: number
  /** Compute capability, for example 9 and 0. */
  readonly major: number
  readonly minor: number
  /** The most shared memory of a block, in bytes. */
  readonly sharedMemory: number
  /** CUDA versions as CUDA numbers them: 13000 is 13.0. */
  readonly driver: number
  readonly runtime: number
}

/** Bytes of the device's memory pool. */
export interface PoolState {
  readonly used: number
  /** Those in use, and those kept to be used again. */
  readonly reserved: number
}

/** The interface of the addon that this package was made for. */
const ABI = 1

/** Checks that an addon is the one that this package was made for. */
export function expectAddon(loaded: unknown, where: string): Addon {
  const { abi } = loaded as Partial<Addon>
  if (abi === ABI) return loaded as Addon
  throw new BackendUnavailableError(`@nnz/cuda: ${where} has interface ${abi}, expected ${ABI}: build it again`, {
    code: 'NNZ_ABI',
  })
}
