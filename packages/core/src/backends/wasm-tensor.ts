import { registerDispose } from '../dispose.ts'
import { namingMemory, typeError } from '../errors.ts'
import type { WasmMemory } from '../memory/wasm-memory.ts'
import {
  type BackendTensor,
  elementCount,
  noteMemoryBuffer,
  rowMajorStrides,
  sameMemory,
  type Tensor,
} from '../tensor.ts'

const forgotten = new FinalizationRegistry<() => void>((release) => release())
/** A view keeps its block alive: the memory is not reused while anybody can still look at it. */
const blockOfView = new WeakMap<object, object>()

/** Outside of the constructor: a closure there would keep the tensor alive as long as the one that frees its block. */
function allocate(memory: WasmMemory, bytes: number): number {
  return namingMemory('zeros', () => memory.allocate(bytes))
}

class WasmTensor implements BackendTensor {
  readonly dtype = 'f32'
  readonly shape: readonly number[]
  readonly strides: readonly number[]
  readonly #memory: WasmMemory
  readonly #block: { address: number }
  readonly #length: number

  constructor(memory: WasmMemory, shape: readonly number[]) {
    this.#length = elementCount(shape, 'zeros')
    this.shape = Object.freeze([...shape])
    this.strides = Object.freeze(rowMajorStrides(shape))
    this.#memory = memory
    const address = allocate(memory, this.#length * 4)
    this.#block = { address }
    forgotten.register(this.#block, () => memory.free(address), this.#block)
    this.data.fill(0)
  }

  /** Byte address of the first element. */
  get address(): number {
    if (this.#block.address === 0)
      throw typeError('NNZ_DISPOSED', `tensor [${this.shape.join(', ')}]: used after dispose()`)
    return this.#block.address
  }

  get data(): Float32Array {
    const { buffer } = this.#memory.memory
    // A shared memory gets a new buffer object when it grows, and old views stay valid.
    if (this.#memory.shared) noteMemoryBuffer(buffer, this.#memory)
    const view = new Float32Array(buffer, this.address, this.#length)
    blockOfView.set(view, this.#block)
    return view
  }

  dispose(): void {
    if (this.#block.address === 0) return
    forgotten.unregister(this.#block)
    this.#memory.free(this.#block.address)
    this.#block.address = 0
  }
}

registerDispose(WasmTensor.prototype)

/** A tensor of zeros in WASM memory. */
export function createWasmTensor(memory: WasmMemory, shape: readonly number[]): BackendTensor {
  return new WasmTensor(memory, shape)
}

/** The byte address of a tensor's first element if it lies in the realm's WASM memory, else undefined. */
export function addressOf(tensor: Tensor, memory: WasmMemory): number | undefined {
  if (tensor instanceof WasmTensor) return tensor.address
  const data = tensor.data
  return sameMemory(data.buffer, memory.memory.buffer) ? data.byteOffset : undefined
}
