import type { Packing } from '../plan/kernel.ts'

/** The packing of another kernel, whose values are made from those of the layout: filled with zeros, or widened. */
export class ConvertedPacking implements Packing {
  readonly inner: Packing
  readonly #convert: (values: Float32Array) => Float32Array

  constructor(inner: Packing, convert: (values: Float32Array) => Float32Array) {
    this.inner = inner
    this.#convert = convert
  }

  get bytes(): number {
    return this.inner.bytes
  }

  updateValues(values: Float32Array): void {
    this.inner.updateValues(this.#convert(values))
  }

  dispose(): void {
    this.inner.dispose()
  }
}
