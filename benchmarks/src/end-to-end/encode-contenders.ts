import { type Backend, isWasm } from '@nnz/core'
import { Encoder } from '@nnz/models'
import type { ContenderSpec, Prepared } from '../runner/contender.ts'
import { kernelContender } from '../runner/kernels.ts'
import type { EncodeTask } from './encode-task.ts'
import { sourceOf, textsOf } from './operands.ts'

/** What plain JS computes in a second, about. */
const MOST_JS_FLOPS = 2e9

/** The encoder of `@nnz/models`, which chooses a kernel for each layer by its zeros. */
export function encodeContenders(backends: readonly Backend[]): ContenderSpec<EncodeTask>[] {
  return backends.map((backend) => ({
    contender: kernelContender(`encoder__${backend.name}`, backend, 'sparse'),
    supports: ({ flops }) => isWasm(backend) || flops <= MOST_JS_FLOPS || 'plain JS takes seconds for it',
    prepare: (task) => prepare(task, backend),
  }))
}

async function prepare({ network, tokens }: EncodeTask, backend: Backend): Promise<Prepared> {
  const start = performance.now()
  const encoder = await Encoder.read(sourceOf(network.tensors), network.config, undefined, { backend })
  const planning = (performance.now() - start) * 1e6
  let texts: number[][] = []
  let output: ArrayLike<number> = []
  return {
    planning,
    // Weights are packed, and kernels chosen, when they are first needed.
    get packedBytes() {
      return encoder.memory.weights + encoder.memory.embeddings
    },
    get chosen() {
      return [...new Set(encoder.kernels.values())].sort().join(', ')
    },
    setInput([ids]) {
      texts = textsOf(ids, tokens)
    },
    poison() {
      output = []
    },
    run() {
      output = encoder.encodeTokens(texts).data
    },
    output: () => output,
    dispose: () => encoder.dispose(),
  }
}
