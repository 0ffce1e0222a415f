import { type Backend, isWasm } from '@nnz/core'
import { Decoder, type DecoderSession } from '@nnz/models'
import type { ContenderSpec, Prepared } from '../runner/contender.ts'
import { kernelContender } from '../runner/kernels.ts'
import { type GenerateTask, STEPS } from './generate-task.ts'
import { sourceOf } from './operands.ts'
import { logProbabilities } from './plain-networks.ts'
import { preparedText, type TextRunner } from './text-runner.ts'

/** The decoder of `@nnz/models`, which chooses a kernel for each layer by its zeros. It runs on the usual backend, with one thread. */
export function generateContenders(backends: readonly Backend[]): ContenderSpec<GenerateTask>[] {
  return backends
    .filter((backend) => isWasm(backend) && backend.threads === 1)
    .map((backend) => ({
      contender: kernelContender(`decoder__${backend.name}`, backend, 'sparse'),
      supports: () => true,
      prepare,
    }))
}

async function prepare(task: GenerateTask): Promise<Prepared> {
  const { network, tokens } = task
  const start = performance.now()
  const decoder = await Decoder.read(sourceOf(network.tensors), network.config, tokens)
  const planning = (performance.now() - start) * 1e6
  const runner = textRunner(decoder, tokens + STEPS)
  return preparedText(task, runner, {
    planning,
    // Packings are made when they are first needed.
    get packedBytes() {
      const { decode, prefill, head } = decoder.memory
      return (task.phase === 'decode' ? decode : prefill) + head
    },
  })
}

function textRunner(decoder: Decoder, capacity: number): TextRunner {
  let session: DecoderSession | undefined
  let logits: Float32Array = new Float32Array()
  return {
    begin(tokens) {
      session?.dispose()
      session = decoder.session(capacity)
      logits = session.extend(tokens)
    },
    append(token) {
      logits = session!.extend([token])
    },
    following: () => logProbabilities(logits),
    dispose() {
      session?.dispose()
      decoder.dispose()
    },
  }
}
