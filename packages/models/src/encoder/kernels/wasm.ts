import { balancedRanges, type Tensor, type WasmBackend, type WasmVariant, Workspace } from '@nnz/core'
import * as set from '../../generated/wasm.ts'
import { type EncoderKernel, type EncoderOperations, type Lanes, rows } from './types.ts'

const F32 = 4
/** Tokens of a unit of `embed` and of `addNorm`. */
const FOUR = 4
const LINE = 16
/** Below so many numbers, waking a worker costs more than it saves. */
const PARALLEL_NUMBERS = 32768

/** Sizes that room is made for. */
export interface Sizes {
  readonly width: number
  readonly heads: number
  /** The most tokens at once, which may be those of one sequence. */
  readonly tokens: number
}

/** Byte addresses do not change when memory grows. */
const addresses = new WeakMap<Tensor, number>()

function addressOf(tensor: Tensor): number {
  let address = addresses.get(tensor)
  if (address === undefined) {
    address = tensor.data.byteOffset
    addresses.set(tensor, address)
  }
  return address
}

function at({ tensor, stride }: Lanes): [address: number, stride: number] {
  return [addressOf(tensor), stride * F32]
}

const real = new Float32Array(1)
const bits = new Int32Array(real.buffer)

/** An f32 as a whole number: threads are given no others. */
function bitsOf(value: number): number {
  real[0] = value
  return bits[0]
}

/** The operations on tensors that lie in WASM memory. */
export function wasmOperations(backend: WasmBackend, { width, heads, tokens: most }: Sizes): EncoderOperations {
  const { memory } = backend
  const kernels = backend.kernels(set)
  const workspace = new Workspace(backend)
  const headDim = width / heads
  // Scratch of attendPacked: queries, values and scores of a sequence; see the kernel.
  const scratchBytes = 64 * Math.ceil((F32 * (headDim * (8 + most + 8) + 8 * (most + 8))) / 64)
  const scratch = workspace.region(heads * scratchBytes)
  const numbers = workspace.region(2 * F32 * (most + FOUR))
  // There are not more sequences than tokens.
  const offsetsRoom = workspace.region(F32 * (most + 1))
  const pooledRoom = workspace.region(F32 * width * most)
  const ranges = (units: number, count: number) =>
    balancedRanges(units, count < PARALLEL_NUMBERS ? 1 : backend.threads, () => 1)

  const offsetsAt = (offsets: Int32Array) => {
    memory.i32.set(offsets, offsetsRoom() / F32)
    return offsetsRoom()
  }
  return {
    embed({ tokens, positions, words, places, x }) {
      const count = Math.ceil(tokens.length / FOUR)
      const [ids, positionsAt] = [numbers() / F32, numbers() / F32 + count * FOUR]
      memory.i32.fill(0, ids, positionsAt + count * FOUR)
      memory.i32.set(tokens, ids)
      memory.i32.set(positions, positionsAt)
      const args = [ids * F32, positionsAt * F32, addressOf(words), addressOf(places), width, ...at(x)]
      kernels.parallel('embed', args, ranges(count, tokens.length * width))
    },
    addNorm({ y, x, norm, epsilon, tokens }) {
      const [address, stride] = at(x)
      const sum = [y ? addressOf(y.product.tensor) : 0, address, stride, width, y ? addressOf(y.bias) : 0]
      const args = [...sum, addressOf(norm.gain), addressOf(norm.shift), bitsOf(epsilon)]
      kernels.parallel('addNorm', args, ranges(Math.ceil(tokens / LINE), tokens * width))
    },
    addGelu({ y, bias, tokens }) {
      const features = bias.shape[0]
      const args = [...at(y), Math.ceil(tokens / 4), addressOf(bias)]
      kernels.parallel('addGelu', args, ranges(features, tokens * features))
    },
    attendPacked({ qkv, bias, out, offsets }) {
      const operands = [...at(qkv), addressOf(bias), addressOf(out.tensor), heads, headDim]
      const args = [...operands, offsetsAt(offsets), offsets.length - 1, scratch(), scratchBytes]
      kernels.parallel('attendPacked', args, ranges(heads, offsets[offsets.length - 1] * width))
    },
    pool({ x, offsets, out }) {
      const sequences = offsets.length - 1
      const args = [...at(x), width, offsetsAt(offsets), pooledRoom()]
      kernels.parallel('pool', args, ranges(sequences, offsets[sequences] * width))
      out.set(memory.f32.subarray(pooledRoom() / F32, pooledRoom() / F32 + out.length))
    },
  }
}

/** The WASM rows, in both variants. */
export const wasmKernels: readonly EncoderKernel[] = (['relaxed', 'simd'] satisfies WasmVariant[]).flatMap((variant) =>
  rows('wasm', variant, 'f32'),
)
