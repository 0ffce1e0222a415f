import { js, wasm } from '@nnz/core'
import { describe, expect, it } from 'vitest'
import { nmContenders } from '../src/products/nm-contenders.ts'
import { makeNmTask } from '../src/products/nm-task.ts'
import { nmWorkloads } from '../src/products/nm-workloads.ts'
import { createWorkload } from '../src/products/workload.ts'
import { recordOf } from './baselines-problem.ts'

function small(n: number, [kept, of, g]: readonly [number, number, number]) {
  const workload = createWorkload({
    operation: 'nm-gemm',
    model: 'test',
    layer: 'small',
    source: 'a test',
    phase: 'prefill',
    m: 24,
    k: 64,
    n,
    layout: g === 1 ? 'nm' : 'nmg',
    pattern: { kind: 'nm', n: kept, m: of, g },
    sparsities: [1 - kept / of],
  })
  return makeNmTask(workload)
}

describe('N:M weights', () => {
  it('have the sparsity that their pattern says, and an id of their own', async () => {
    const task = await small(16, [2, 8, 4])
    expect(task.problem).toMatchObject({ sparsity: 0.75, layout: 'nmg', pattern: '2:8, 4 rows' })
    expect(task.id).toBe('test/small/n16/nm-2-8-g4/0.75')
    const all = nmWorkloads('full').map(({ id }) => id)
    expect(new Set(all).size).toBe(all.length)
    for (const { id } of nmWorkloads('quick')) expect(all).toContain(id)
  })

  it('are multiplied right by every row of ours, those for single entries too', async () => {
    for (const spec of nmContenders([wasm.open(), js])) {
      for (const task of [await small(1, [2, 4, 1]), await small(17, [1, 4, 1]), await small(16, [2, 4, 2])]) {
        if (spec.supports(task) !== true) continue
        expect(await recordOf(spec, task), spec.contender.name).toMatchObject({ reason: null, status: 'passed' })
      }
    }
  })
})
