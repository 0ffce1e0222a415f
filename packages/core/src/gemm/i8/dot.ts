import type { WasmBackend } from '../../backends/wasm.ts'
import { WasmBlock } from '../../backends/workspace.ts'
import * as set from '../../generated/wasm-i8.ts'

const known = new WeakMap<WasmBackend, boolean>()

/**
 * Whether dot products of bytes are faster by way of 16-bit ones. What the 32-bit instruction of relaxed SIMD does with an
 * operand out of range is up to the host, and tells: sums of pairs that stop at 32767 are those of x86 without VNNI, where that
 * instruction is a sequence of five. Both ways yield the same numbers where operands are in range.
 */
export function prefersPairs(backend: WasmBackend): boolean {
  let pairs = known.get(backend)
  if (pairs === undefined) {
    const block = new WasmBlock(backend, 16)
    block.u8.fill(0)
    block.u8.set([127, 255])
    backend.kernels(set).call('probeDot', block.address)
    pairs = new Int32Array(block.u8.slice().buffer)[0] === 2 * 32767
    block.dispose()
    known.set(backend, pairs)
  }
  return pairs
}
