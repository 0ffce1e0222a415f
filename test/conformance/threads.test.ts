import { type Backend, gemmKernels, wasm } from '@nnz/core'
import { kernels } from '@nnz/spmm'
import { describe, expect, it } from 'vitest'
import { Random } from './support/random.ts'
import { applies, prepare, runCase, type SpmmCase } from './support/spmm-run.ts'
import { claimed, lacking, rowsOf } from './support/variant.ts'
import { bsrWeights, csrWeights } from './support/weights.ts'

const usable = claimed === 'threads' && lacking() === undefined
const random = new Random(9)
const cases: SpmmCase[] = (['random', 'uneven', 'one row', 'all dense', 'empty rows'] as const).flatMap((pattern) => {
  const csr = csrWeights([302, 413], pattern, 0.1, random)
  const bsr = bsrWeights([302, 413], [4, 4], pattern, 0.1, random)
  return [1, 4, 17, 96].flatMap((n) => [
    { name: `csr ${pattern}, N=${n}`, w: csr, n },
    {
      name: `csr ${pattern}, N=${n}, swiglu`,
      w: csr,
      n,
      activation: 'swiglu' as const,
      operation: 'linear' as const,
      bias: true,
    },
    { name: `bsr ${pattern}, N=${n}`, w: bsr, n },
  ])
})

describe.runIf(usable)('determinism', () => {
  it('gives the same bits on 1, 2 and 3 threads', async () => {
    const backends: Backend[] = [await wasm.threads(1), await wasm.threads(2), await wasm.threads(3)]
    expect(backends.map(({ threads }) => threads)).toEqual([1, 2, 3])
    const different: string[] = []
    const prepared = cases.map(prepare)
    for (const row of rowsOf(kernels, backends[0])) {
      for (const given of prepared) {
        if (!applies(row, given)) continue
        const results = backends.map((backend) => runCase(row, given, backend))
        const wrong = results.find((result) => result.wrong !== undefined)
        if (wrong) different.push(`${row.name}, ${given.given.name}: ${wrong.wrong}`)
        const [first, ...others] = results.map(({ y }) => new Uint32Array(y.buffer))
        if (others.some((bits) => bits.some((bit, i) => bit !== first[i])))
          different.push(`${row.name}, ${given.given.name}: bits differ`)
      }
    }
    expect(different).toEqual([])
  })

  it('covers threaded rows of both tables', () => {
    expect(rowsOf(kernels, wasm.open()).length).toBeGreaterThan(0)
    expect(rowsOf(gemmKernels, wasm.open()).length).toBeGreaterThan(0)
  })
})
