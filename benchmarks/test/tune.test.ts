import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { js, runsOn, setCostModel, wasm } from '@nnz/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attentionFamily } from '../src/tune/attention.ts'
import { families } from '../src/tune/families.ts'
import { fitCosts } from '../src/tune/fit.ts'
import { tuneProblems } from '../src/tune/problems.ts'
import { spmmFamily } from '../src/tune/spmm.ts'
import { modulesOf } from '../src/tune/typescript.ts'

const CLI = fileURLToPath(new URL('../bin/nnz-bench.js', import.meta.url))

describe('fitCosts', () => {
  it('finds the coefficients that times were made from', () => {
    const coefficient = fc.double({ min: 0.01, max: 50, noNaN: true })
    fc.assert(
      fc.property(coefficient, coefficient, coefficient, (fixed, work, output) => {
        const observations = [1, 3, 10, 40, 200].flatMap((m) =>
          [2, 16, 128].map((n) => {
            const features = [1, m * m * n, m * n]
            return { features, nanoseconds: fixed + work * features[1] + output * features[2] }
          }),
        )
        const { coefficients, worstError } = fitCosts(observations)
        expect(worstError).toBeLessThan(1.02)
        expect(coefficients[1]).toBeCloseTo(work, work < 1 ? 2 : 0)
      }),
      { numRuns: 30 },
    )
  })

  it('never makes work cost less than nothing, and leaves out what never occurs', () => {
    const observations = [1, 2, 3, 4].map((work) => ({ features: [1, work, 0], nanoseconds: 100 - 10 * work }))
    const { coefficients, medianError } = fitCosts(observations)
    expect(coefficients.every((value) => value >= 0)).toBe(true)
    expect(coefficients[2]).toBe(0)
    expect(medianError).toBeGreaterThan(1)
  })
})

describe('the problems', () => {
  it('meet every number of columns, and one column at every sparsity', () => {
    const problems = tuneProblems('csr')
    const columns = new Set(problems.map(({ n }) => n))
    expect(columns.size).toBeGreaterThan(8)
    expect(problems.filter(({ n }) => n === 1)).toHaveLength(problems.length / 4)
  })
})

describe('the families', () => {
  it('have problems for each of their kernels, which run', () => {
    for (const family of families) {
      for (const kernel of family.kernels) {
        const backend = kernel.backend === 'js' ? js : wasm.open()
        if (!runsOn(kernel, backend)) continue
        const [smallest] = [...family.cases(kernel)].sort((a, b) => a.flops - b.flops)
        const plan = smallest!.plan(backend)
        plan.ready()()
        plan.dispose()
        expect(kernel.runFeatures(smallest!.problem).length, kernel.name).toBeGreaterThan(0)
      }
    }
  }, 120_000)
})

describe('modulesOf', () => {
  it("gives the dense rows' costs to core, too", () => {
    const text = modulesOf(
      {
        spmm_csr_f32__wasm_relaxed_panels_dense: { run: [1, 2], pack: [3] },
        spmm_csr_f32__wasm_relaxed_sell: { run: [4], pack: [] },
        attention_blocks_f32__js_rows: { run: [5], pack: [] },
      },
      [spmmFamily, attentionFamily],
    )
    const [, spmm, attention, core] = text.split(/^\/\/ .*$/m)
    expect(spmm).toContain('spmm_csr_f32__wasm_relaxed_sell: { run: [4], pack: [] }')
    expect(core).toContain('gemm_f32__wasm_relaxed_panels: { run: [1, 2], pack: [3] }')
    expect(core).not.toContain('sell')
    expect(attention).toContain('attention_blocks_f32__js_rows: { run: [5], pack: [] }')
    expect(attention).not.toContain('spmm')
  })
})

describe('nnz-bench tune', () => {
  it('writes costs that dispatch takes, and keeps those of other kernels', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nnz-tune-'))
    const out = join(folder, 'cost-model.json')
    const tune = (...args: string[]) =>
      promisify(execFile)(process.execPath, [CLI, 'tune', '--out', out, '--every', '40', ...args])
    try {
      const { stdout } = await tune('--kernels', 'bsr_f32__js_panels_dense')
      expect(stdout).toMatch(/bsr_f32__js_panels_dense: \d+ problems, median error \d+ %, worst \d+ %/)
      await tune('--kernels', 'csr_f32__js_panels_dense')
      const { costs } = JSON.parse(await readFile(out, 'utf8'))
      expect(Object.keys(costs)).toEqual(
        expect.arrayContaining(['spmm_bsr_f32__js_panels_dense', 'spmm_csr_f32__js_panels_dense']),
      )
      expect(costs.spmm_bsr_f32__js_panels_dense.run.some((value: number) => value > 0)).toBe(true)
      setCostModel(costs)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }, 120_000)
})
