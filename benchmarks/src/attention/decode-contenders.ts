import { decodeAttention, decodeKernels, keyValueCache } from '@nnz/attention'
import { type Backend, isWasm, runsOn, tensor } from '@nnz/core'
import type { ContenderSpec, Prepared } from '../runner/contender.ts'
import { kernelContender, place } from '../runner/kernels.ts'
import { prepared, timed } from '../runner/tensor-run.ts'
import { BLOCK } from './patterns.ts'
import type { AttentionTask } from './task.ts'

/** Every row of `decodeAttention`, on a cache whose pages are the blocks of the mask. */
export function decodeContenders(backends: readonly Backend[]): ContenderSpec<AttentionTask>[] {
  return backends.flatMap((backend) =>
    decodeKernels
      .filter((kernel) => runsOn(kernel, backend))
      .map(
        ({ name }): ContenderSpec<AttentionTask> => ({
          contender: kernelContender(name, backend, 'sparse'),
          supports: () => true,
          prepare: async (task) => prepare(task, backend, name),
        }),
      ),
  )
}

function prepare(
  { heads, keyHeads, tokens, keys, headDim, mask }: AttentionTask,
  backend: Backend,
  kernel: string,
): Prepared {
  const home = isWasm(backend) ? 'resident' : 'heap'
  const q = place([heads, tokens, headDim], backend, home)
  const out = place([heads, tokens, headDim], backend, home)
  const open = () => {
    const cache = keyValueCache({ keyHeads, headDim, pageSize: BLOCK, pages: Math.ceil(keys / BLOCK), backend })
    return { cache, plan: decodeAttention.plan({ cache, heads, tokens, backend, kernel }) }
  }
  let [{ cache, plan }, planning] = timed(open)
  const drop = () => {
    plan.dispose()
    cache.dispose()
  }
  return prepared({
    backend,
    planning,
    packedBytes: null,
    inputs: [q],
    outputs: [out],
    prepareInputs([, k, v]) {
      drop()
      ;({ cache, plan } = open())
      cache.append(tensor(k, [keyHeads, keys, headDim]), tensor(v, [keyHeads, keys, headDim]))
    },
    run: () => plan.run(q, { blocks: mask?.columnIndices, out }),
    dispose: drop,
  })
}
