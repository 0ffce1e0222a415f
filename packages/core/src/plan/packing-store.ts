import type { Backend } from '../backends/backend.ts'
import { isDevice } from '../device/device.ts'
import type { Packing } from './kernel.ts'

/** A packing that several plans hold. */
export interface SharedPacking {
  readonly format: string
  readonly packing: Packing
  /** Whether another plan holds it too. */
  readonly shared: boolean
  /** No plan made from now on finds it: its values no longer are those of the layout. */
  detach(): void
  release(): void
}

const stores = new WeakMap<object, Map<string, { packing: Packing; holders: number }>>()
const devices = new WeakMap<Backend, number>()
let deviceCount = 0

/** Where the packings of a backend lie: the host's memory is one place, each device is another. */
function placeOf(backend: Backend): string {
  if (!isDevice(backend)) return backend.name
  let number = devices.get(backend)
  if (number === undefined) devices.set(backend, (number = deviceCount++))
  return `${backend.name} ${number}`
}

/**
 * The packing of `weights` in a format for a backend: the one that a living plan holds, or a new one. Layouts are immutable records,
 * so the record itself is the key.
 */
export function acquirePacking(weights: object, format: string, backend: Backend, pack: () => Packing): SharedPacking {
  const key = `${format}@${placeOf(backend)}`
  let store = stores.get(weights)
  if (!store) {
    store = new Map()
    stores.set(weights, store)
  }
  const entries = store
  let entry = entries.get(key)
  if (!entry) {
    entry = { packing: pack(), holders: 0 }
    entries.set(key, entry)
  }
  const held = entry
  held.holders++
  let released = false
  function detach(): void {
    if (entries.get(key) === held) entries.delete(key)
  }
  return {
    format,
    packing: held.packing,
    get shared() {
      return held.holders > 1
    },
    detach,
    release() {
      if (released) return
      released = true
      if (--held.holders > 0) return
      detach()
      held.packing.dispose()
    },
  }
}
