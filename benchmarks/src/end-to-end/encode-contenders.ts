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
    prepare: (task) => prepare(task),
  }))
}

async function prepare({ network, batch, tokens }: EncodeTask): Promise<Prepared> {
  const start = performance.now()
  const encoder = await Encoder.read(sourceOf(network.tensors), network.config, batch * tokens)
  const planning = (performance.now() - start) * 1e6
  let texts: number[][] = []
  let output: ArrayLike<number> = []
  return {
    planning,
    packedBytes: null,
    setInput([ids]) {
      texts = textsOf(ids, tokens)
    },
    poison() {
      output = []
    },
    run() {
      output = encoder.embed(texts).data
    },
    output: () => output,
    dispose: () => encoder.dispose(),
  }
}
