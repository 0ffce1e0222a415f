import { js, wasm } from '@nnz/core'
import { describe, expect, it } from 'vitest'
import { gradientContenders, sddmmContenders } from '../src/backprop/contenders.ts'
import { type GradientTask, makeGradientTask } from '../src/backprop/task.ts'
import { gradientBaselines } from '../src/baselines/gradients.ts'
import { backpropOperation, sddmmOperation } from '../src/operations/backprop.ts'
import { createWorkload } from '../src/products/workload.ts'
import { errorOf } from '../src/runner/task.ts'
import { recordOf } from './baselines-problem.ts'

function small(operation: 'backprop' | 'sddmm', n = 17): Promise<GradientTask> {
  const workload = createWorkload({
    operation,
    model: 'test',
    layer: 'small',
    source: 'a test',
    phase: 'training',
    m: 72,
    k: 40,
    n,
    layout: 'csr',
    pattern: { kind: 'uniform' },
    sparsities: [0.75],
  })
  return makeGradientTask(workload, 0.75)
}

describe('gradients', () => {
  it('of ours are right, sparse and as dense products', async () => {
    const backends = [wasm.open(), js]
    const specs = { backprop: gradientContenders(backends), sddmm: sddmmContenders(backends) }
    for (const operation of ['backprop', 'sddmm'] as const) {
      for (const spec of specs[operation]) {
        for (const n of [1, 17, 64]) {
          const task = await small(operation, n)
          if (spec.supports(task) !== true) continue
          expect(await recordOf(spec, task), spec.contender.name).toMatchObject({ reason: null, status: 'passed' })
        }
      }
    }
  })

  it('of others are right, or say what is missing', async () => {
    for (const baseline of gradientBaselines()) {
      const specs = await baseline.open([1]).catch((error: Error) => {
        expect(error.message).toMatch(/missing|cannot be loaded|cannot be started/)
        return []
      })
      for (const spec of specs) {
        const { status, reason } = await recordOf(spec, small('backprop'))
        // sampled_addmm needs a PyTorch that was built with MKL.
        expect(status === 'passed' || /MKL|sampled_addmm/.test(reason ?? ''), `${status}: ${reason}`).toBe(true)
      }
    }
  })

  it('that are wrong in one place are caught, in either part', async () => {
    const task = await small('backprop')
    const expected = task.expectationOf(task.inputs(1))
    const output = Float64Array.from(expected.values)
    expect(output).toHaveLength(40 * 17 + task.weights.nnz)
    expect(errorOf(expected, output).right).toBe(true)
    for (const place of [0, output.length - 1]) {
      const wrong = output.slice()
      wrong[place] += 1e-3
      expect(errorOf(expected, wrong).right).toBe(false)
    }
  })
})

describe('their workloads', () => {
  it('have ids of their own', () => {
    const all = [...backpropOperation.workloads('full'), ...sddmmOperation.workloads('full')].map(({ id }) => id)
    expect(new Set(all).size).toBe(all.length)
    expect(all).toContain('bert-base/ffn-up/backprop/n128/uniform')
    expect(backpropOperation.workloads('quick')).toHaveLength(1)
  })
})
