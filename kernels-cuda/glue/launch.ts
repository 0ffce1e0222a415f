import { rangeError, typeError } from '@nnz/core'
import type { Address, Launcher } from './addon.ts'

/** Where something lies on the device: memory from its beginning on, or from a byte on. */
export interface Place {
  readonly address: Address
}

/** Arguments of a launch by name: places on the device (undefined: none), integers and numbers. */
export type LaunchArguments = Readonly<Record<string, Place | number | undefined>>

/** How the arguments of a launcher lie in memory. */
export interface Signature {
  readonly index: number
  readonly names: readonly string[]
  /** For each name p, i or f. */
  readonly kinds: readonly string[]
}

/** The signatures of all launchers, by their names. */
export function signaturesOf(launchers: readonly Launcher[]): Map<string, Signature> {
  return new Map(
    launchers.map(({ name, fields }, index) => {
      const pairs = fields.split(' ').map((field) => field.split(':'))
      return [name, { index, kinds: pairs.map(([kind]) => kind), names: pairs.map(([, own]) => own) }]
    }),
  )
}

/** The arguments as the launcher reads them: 8 bytes each, in its order. */
export function encode(operation: string, { names, kinds }: Signature, given: LaunchArguments): Uint8Array {
  const words = new DataView(new ArrayBuffer(8 * names.length))
  if (Object.keys(given).length !== names.length)
    throw typeError('NNZ_TYPE', `${operation}: expected ${names.join(', ')}, got ${Object.keys(given).join(', ')}`)
  for (const [i, name] of names.entries()) {
    if (!(name in given)) throw typeError('NNZ_TYPE', `${operation}: ${name} is missing`)
    const value = given[name]
    const word = kinds[i] === 'p' ? ((value as Place | undefined)?.address ?? 0) : (value as number)
    if (kinds[i] === 'f') words.setFloat64(8 * i, word, true)
    else if (Number.isSafeInteger(word)) words.setBigInt64(8 * i, BigInt(word), true)
    else throw rangeError('NNZ_VALUE', `${operation}: ${name}: expected a whole number, got ${word}`)
  }
  return new Uint8Array(words.buffer)
}
