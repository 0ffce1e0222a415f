import { wasmFeatures } from '@nnz/core'
import type { FromConformance, Outcome, ToConformance } from '../conformance/messages.ts'
import { VARIANTS, type Variant } from '../conformance/variants.ts'

/** What came of a package's tests on a kind of kernels. */
export interface VariantOutcome extends Outcome {
  readonly variant: string
}

/** What is heard while the tests run. */
export interface ConformanceListener {
  /** Which part of the whole is done, from 0 to 1. */
  at(share: number, what: string): void
  outcomes(outcomes: readonly VariantOutcome[], skipped: readonly string[]): void
}

/** Runs the packages' conformance tests, one kind of kernels after the other; ends early when it is aborted. */
export async function conform(listener: ConformanceListener, signal: AbortSignal): Promise<readonly VariantOutcome[]> {
  const able = VARIANTS.filter((variant) => whyNot(variant) === undefined)
  const skipped = VARIANTS.flatMap((variant) => {
    const reason = whyNot(variant)
    return reason === undefined ? [] : [`${variant.name} was not run: ${reason}`]
  })
  const outcomes: VariantOutcome[] = []
  for (const [index, variant] of able.entries()) {
    listener.at(index / able.length, variant.name)
    for (let file = 0, files = 1; file < files && !signal.aborted; file++) {
      const ended = await inWorker({ variant, file }, signal)
      if (ended === undefined) break
      files = ended.files
      outcomes.push({ ...ended.outcome, variant: variant.name })
      listener.at((index + (file + 1) / files) / able.length, `${variant.name}: ${ended.next ?? ''}`)
      listener.outcomes(outcomes, skipped)
    }
  }
  return outcomes
}

function whyNot({ needs }: Variant): string | undefined {
  const features = wasmFeatures()
  if (needs === 'nothing' || features[needs]) return undefined
  return needs === 'threads' ? 'this page is not cross-origin isolated' : `this browser has no ${needs} WebAssembly`
}

/** A realm of its own for every test file, as in Node.js; undefined where it was aborted. */
function inWorker(
  order: ToConformance,
  signal: AbortSignal,
): Promise<Extract<FromConformance, { type: 'ended' }> | undefined> {
  const worker = new Worker(new URL('../conformance/worker.ts', import.meta.url), { type: 'module' })
  const ended = Promise.withResolvers<Extract<FromConformance, { type: 'ended' }> | undefined>()
  const abort = () => ended.resolve(undefined)
  signal.addEventListener('abort', abort)
  worker.onerror = ({ message }) => ended.reject(new Error(message))
  worker.onmessage = ({ data }: MessageEvent<FromConformance>) =>
    data.type === 'ended' ? ended.resolve(data) : ended.reject(new Error(data.message))
  worker.postMessage(order)
  return ended.promise.finally(() => {
    signal.removeEventListener('abort', abort)
    worker.terminate()
  })
}
