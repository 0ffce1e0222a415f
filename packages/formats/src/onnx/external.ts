import { FileFormatError } from '@nnz/core/storage'
import type { ByteSource } from '../bytes/byte-source.ts'

/** Opens the file that a model names, by its path relative to the model's folder. */
export type OpenExternal = (location: string) => Promise<ByteSource>

/** A model may name files beside it or below it, nothing else. */
export function expectLocation(location: string, fail: (what: string) => Error): void {
  const parts = location.split('/')
  if (location === '' || /[\\:\0]/.test(location) || parts.some((part) => part === '' || part === '..'))
    throw fail(`expected the name of a file beside the model, got ${JSON.stringify(location.slice(0, 100))}`)
}

/** The files of a model's elements: each is opened when it is first needed. */
export class ExternalFiles {
  readonly #model: string
  readonly #open: OpenExternal | undefined
  readonly #sources = new Map<string, Promise<ByteSource>>()

  constructor(model: string, open: OpenExternal | undefined) {
    this.#model = model
    this.#open = open
  }

  /** @param at where the model names the file */
  async read(location: string, offset: number, length: number, at: number): Promise<Uint8Array<ArrayBuffer>> {
    if (!this.#open)
      throw new FileFormatError(this.#model, at, `elements are in the file ${location}: give the option external`)
    const source = this.#sources.get(location) ?? this.#open(location)
    this.#sources.set(location, source)
    return (await source).read(offset, length)
  }

  async close(): Promise<void> {
    for (const source of await Promise.allSettled(this.#sources.values()))
      if (source.status === 'fulfilled') await source.value.close()
  }
}
