import { type Backend, runsOn, wasm, wasmFeatures } from '@nnz/core'
import { describe, expect, it } from 'vitest'
import { Random } from '../../../test/conformance/support/random.ts'
import { kernels } from '../src/index.ts'
import { applies, type Case, prepare, runCase, transposableWeights, weightsOf } from './support.ts'

const random = new Random(9)

describe.skipIf(!wasmFeatures().threads)('determinism', () => {
  it('gives the same bits on 1, 2 and 3 threads', async () => {
    const backends: Backend[] = [await wasm.threads(1), await wasm.threads(2), await wasm.threads(3)]
    const weights = [
      weightsOf({ shape: [302, 413], n: 2, m: 4 }, random),
      weightsOf({ shape: [302, 413], n: 1, m: 8, g: 3 }, random),
      transposableWeights([304, 416], 2, 4, random),
    ]
    const cases: Case[] = weights.flatMap((w) =>
      [1, 4, 29, 96].flatMap((n) =>
        (['nmGemm', 'nmLinear', 'nmGemmTransposed'] as const).map((operation) => ({
          name: `${operation} ${w.layout}, N=${n}`,
          operation,
          w,
          n,
          bias: true,
          activation: 'silu' as const,
        })),
      ),
    )
    const different: string[] = []
    for (const prepared of cases.map(prepare)) {
      for (const row of kernels.filter((kernel) => runsOn(kernel, backends[0]) && applies(kernel, prepared))) {
        const results = backends.map((backend) => runCase(row, prepared, backend))
        const wrong = results.find((result) => result.wrong !== undefined)
        if (wrong) different.push(`${row.name}, ${prepared.given.name}: ${wrong.wrong}`)
        const [first, ...others] = results.map(({ y }) => new Uint32Array(y.buffer))
        if (others.some((bits) => bits.some((bit, i) => bit !== first[i])))
          different.push(`${row.name}, ${prepared.given.name}: bits differ`)
      }
    }
    expect(different).toEqual([])
  })
})
