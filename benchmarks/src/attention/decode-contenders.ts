import { type DecodePlan, decodeAttention, decodeKernels, type KeyValueCache, keyValueCache } from '@nnz/attention'
import { type Backend, isWasm, tensor } from '@nnz/core'
import type { ContenderSpec, Prepared } from '../runner/contender.ts'
import { kernelContender, place, profiled, release, rowsOf } from '../runner/kernels.ts'
import { BLOCK } from './patterns.ts'
import type { AttentionTask } from './task.ts'

/** Every row of `decodeAttention`, on a cache whose pages are the blocks of the mask. */
export function decodeContenders(backends: readonly Backend[]): ContenderSpec<AttentionTask>[] {
  return backends.flatMap((backend) =>
    rowsOf(decodeKernels, backend).map(
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
  const blocks = mask?.columnIndices
  const q = place([heads, tokens, headDim], backend, home)
  const out = place([heads, tokens, headDim], backend, home)
  const start = process.hrtime.bigint()
  let cache: KeyValueCache = keyValueCache({
    keyHeads,
    headDim,
    pageSize: BLOCK,
    pages: Math.ceil(keys / BLOCK),
    backend,
  })
  let plan: DecodePlan = decodeAttention.plan({ cache, heads, tokens, backend, kernel })
  const planning = Number(process.hrtime.bigint() - start)
  const run = () => {
    plan.run(q, { blocks, out })
  }
  const drop = () => {
    plan.dispose()
    cache.dispose()
  }
  return {
    planning,
    packedBytes: null,
    setInput([queries, k, v]) {
      drop()
      cache = keyValueCache({ keyHeads, headDim, pageSize: BLOCK, pages: Math.ceil(keys / BLOCK), backend })
      cache.append(tensor(k, [keyHeads, keys, headDim]), tensor(v, [keyHeads, keys, headDim]))
      plan = decodeAttention.plan({ cache, heads, tokens, backend, kernel })
      q.data.set(queries)
    },
    poison() {
      out.data.fill(Number.NaN)
    },
    run,
    output: () => out.data,
    ...profiled(backend, run),
    dispose() {
      drop()
      release(q, out)
    },
  }
}
