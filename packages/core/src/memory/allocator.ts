import { rangeError } from '../errors.ts'

const ALIGNMENT = 64

/** A heap over a range of addresses that can be asked to grow: best fit, neighbours merged when freed. */
export interface Allocator {
  /** The address of `bytes` bytes, aligned to 64. */
  allocate(bytes: number): number
  /** Gives back what `allocate` returned. */
  free(address: number): void
  /** Bytes handed out now, rounding included. */
  readonly used: number
}

/**
 * @param start first address that may be handed out
 * @param end address after the last one
 * @param grow called with a number of bytes when nothing fits; returns the new end (at least that much higher)
 */
export function createAllocator(start: number, end: number, grow: (bytes: number) => number): Allocator {
  // Free ranges by address; sizes of ranges in use by address.
  const free: { address: number; size: number }[] = [{ address: start, size: end - start }]
  const sizes = new Map<number, number>()
  let limit = end
  let used = 0

  function bestFit(size: number): number {
    let best = -1
    for (let i = 0; i < free.length; i++) {
      if (free[i].size >= size && (best < 0 || free[i].size < free[best].size)) best = i
    }
    return best
  }

  function release(address: number, size: number): void {
    let low = 0
    let high = free.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (free[middle].address < address) low = middle + 1
      else high = middle
    }
    const before = free[low - 1]
    const after = free[low]
    const joinsBefore = before !== undefined && before.address + before.size === address
    const joinsAfter = after !== undefined && address + size === after.address
    if (joinsBefore && joinsAfter) {
      before.size += size + after.size
      free.splice(low, 1)
    } else if (joinsBefore) before.size += size
    else if (joinsAfter) {
      after.address = address
      after.size += size
    } else free.splice(low, 0, { address, size })
  }

  return {
    allocate(bytes) {
      const size = Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT)
      let index = bestFit(size)
      if (index < 0) {
        const newLimit = grow(size)
        release(limit, newLimit - limit)
        limit = newLimit
        index = bestFit(size)
      }
      const range = free[index]
      const address = range.address
      range.address += size
      range.size -= size
      if (range.size === 0) free.splice(index, 1)
      sizes.set(address, size)
      used += size
      return address
    },
    free(address) {
      const size = sizes.get(address)
      if (size === undefined)
        throw rangeError('NNZ_MEMORY', `memory: ${address} was not allocated, or was freed already`)
      sizes.delete(address)
      used -= size
      release(address, size)
    },
    get used() {
      return used
    },
  }
}
