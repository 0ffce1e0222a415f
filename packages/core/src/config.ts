import { describe, rangeError, typeError } from './errors.ts'

/** Which WASM variant runs: `base` (128-bit SIMD), `relaxed` (fused multiply-add), or `off` (plain JS only). */
export type WasmChoice = 'base' | 'relaxed' | 'off'

/** Settings of {@link configure}; in Node the variables NNZ_WASM and NNZ_THREADS set the same. */
export interface Configuration {
  /** Force a variant. Default: the best that the host has. */
  wasm?: WasmChoice
  /** Threads of the default backend. Default: 1. */
  threads?: number
  /** URL of the worker script, where a content policy forbids Blob workers: a copy of `@nnz/core/worker`. */
  workerUrl?: string | URL
}

const WASM_CHOICES = ['base', 'relaxed', 'off']

function environment(name: string): string | undefined {
  const host = globalThis as { process?: { env?: Record<string, string | undefined> } }
  const value = host.process?.env?.[name]
  return value === '' ? undefined : value
}

function expectWasm(value: string | undefined, name: string): WasmChoice | undefined {
  if (value !== undefined && typeof value !== 'string')
    throw typeError('NNZ_TYPE', `${name}: expected a string, got ${describe(value)}`)
  if (value !== undefined && !WASM_CHOICES.includes(value)) {
    throw rangeError('NNZ_VALUE', `${name}: expected "base", "relaxed" or "off", got ${describe(value)}`)
  }
  return value as WasmChoice | undefined
}

/** Checks a number of threads (1 to 64). */
export function expectThreads(value: number, name: string): number {
  if (typeof value !== 'number') throw typeError('NNZ_TYPE', `${name}: expected a number, got ${describe(value)}`)
  if (!Number.isInteger(value) || value < 1 || value > 64) {
    throw rangeError('NNZ_VALUE', `${name}: expected a whole number of threads from 1 to 64, got ${describe(value)}`)
  }
  return value
}

const chosen: Configuration = {}
let frozen = false

/** The settings in force: what `configure` was given, else the environment, else the defaults. */
export function configuration(): {
  wasm: WasmChoice | undefined
  threads: number
  workerUrl: string | URL | undefined
} {
  const threads = environment('NNZ_THREADS')
  return {
    wasm: chosen.wasm ?? expectWasm(environment('NNZ_WASM'), 'NNZ_WASM'),
    threads: chosen.threads ?? (threads === undefined ? 1 : expectThreads(Number(threads), 'NNZ_THREADS')),
    workerUrl: chosen.workerUrl,
  }
}

/** From the first use of WASM memory on, settings stand. */
export function freezeConfiguration(): void {
  frozen = true
}

/**
 * Sets the variant and the number of threads for this realm: in a browser what NNZ_WASM and NNZ_THREADS do in Node.
 * Must be called before the first operation.
 *
 * @throws TypeError if a setting is of the wrong kind, or an operation ran already
 * @throws RangeError if a value is not allowed
 */
export function configure(settings: Configuration): void {
  if (typeof settings !== 'object' || settings === null) {
    throw typeError('NNZ_TYPE', `configure: expected an object, got ${describe(settings)}`)
  }
  expectWasm(settings.wasm, 'configure: wasm')
  if (settings.threads !== undefined) expectThreads(settings.threads, 'configure: threads')
  if (frozen)
    throw typeError(
      'NNZ_TYPE',
      'configure: expected to be called before the first operation, WASM memory is in use already',
    )
  Object.assign(chosen, settings)
}
