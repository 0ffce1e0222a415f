/**
 * Counts the bytes of every array that is allocated, in all modules that are loaded after this one (it is a setup file): the
 * constructors are replaced by ones that count, which slices and conversions go through as well.
 */
const TYPES = [
  'ArrayBuffer',
  'Int8Array',
  'Uint8Array',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
] as const

const counted = { allocatedBytes: 0 }

for (const name of TYPES) {
  const original: { new (length: number): object; BYTES_PER_ELEMENT?: number; prototype: object } = globalThis[name]
  const counting = new Proxy(original, {
    construct(target, args, self) {
      // A length that cannot be had is counted before it fails.
      if (typeof args[0] === 'number') counted.allocatedBytes += args[0] * (original.BYTES_PER_ELEMENT ?? 1)
      const made = Reflect.construct(target, args, self)
      if (typeof args[0] !== 'number' && made.buffer !== args[0]) counted.allocatedBytes += made.byteLength
      return made
    },
  })
  original.prototype.constructor = counting
  Object.assign(globalThis, { [name]: counting })
}

Object.assign(globalThis, { countedForTests: counted })
