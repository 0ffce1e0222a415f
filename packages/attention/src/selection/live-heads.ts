import { expectHeads, type Heads } from '../operands.ts'

/**
 * As `expectHeads`, for operands that are read after memory may have grown: `data` is taken anew at each access, since growing
 * unshared WASM memory detaches the views that were taken before.
 */
export function expectLiveHeads(value: unknown, name: string): Heads {
  const heads = expectHeads(value, name)
  const { data, shape, strides, tensor } = heads
  // Other data than f32 was converted, which is good for ever.
  if (tensor.data.buffer !== data.buffer) return heads
  return {
    shape,
    strides,
    tensor,
    get data() {
      return tensor.data
    },
  }
}
