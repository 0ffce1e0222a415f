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

/**
 * The packing of `weights` in a format for a backend: the one that a living plan holds, or a new one. Layouts are immutable records,
 * so the record itself is the key.
 */
export function acquirePacking(weights: object, format: string, backend: string, pack: () => Packing): SharedPacking {
  const key = `${format}@${backend}`
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
