import { describe, expect, test } from 'vitest'
import { listModels } from '../src/models/index.ts'
import { materialise } from '../src/products/materialise.ts'
import { fullWorkloads } from '../src/products/workloads.ts'

const present = new Set(listModels().flatMap((status) => (status.present ? [status.model.name] : [])))

// The models are not part of the repository.
describe.skipIf(!present.has('opus-dred'))('Opus DRED (needs `nnz-bench models fetch opus-dred`)', () => {
  test('has 23 matrices of the sparsities that the table says, with uneven rows', async () => {
    const workloads = fullWorkloads().filter(({ model, n }) => model === 'opus-dred' && n === 1)
    const sparsities: number[] = []
    let uneven = 0
    for (const workload of workloads) {
      const { weights, sparsity } = await materialise(workload, workload.sparsities[0])
      expect(sparsity, workload.id).toBe(workload.sparsities[0])
      expect(weights).toMatchObject({ layout: 'bsr', blockShape: [8, 4] })
      sparsities.push(sparsity)
      const blocks = Array.from(weights.rowOffsets.subarray(1), (end, row) => end - weights.rowOffsets[row])
      if (Math.max(...blocks) >= 2 * Math.max(1, Math.min(...blocks))) uneven++
    }
    expect(sparsities).toHaveLength(23)
    expect(Math.min(...sparsities)).toBe(0)
    expect(Math.max(...sparsities)).toBeCloseTo(0.85, 2)
    expect(uneven).toBeGreaterThanOrEqual(12)
  })
})

describe.skipIf(!present.has('all-minilm-l6-v2'))(
  'all-MiniLM-L6-v2 (needs `nnz-bench models fetch all-minilm-l6-v2`)',
  () => {
    test('its weights have the shapes that the table says and are pruned exactly', async () => {
      const workloads = fullWorkloads().filter(({ model }) => model === 'all-minilm-l6-v2')
      expect(workloads).toHaveLength(8)
      for (const workload of workloads) {
        const { sparsity } = await materialise(workload, 0.9)
        expect(sparsity, workload.id).toBeCloseTo(0.9, 5)
      }
    })
  },
)
