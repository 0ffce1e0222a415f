import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bsr, bsr, type Csr, csr } from '@nnz/core'
import fc from 'fast-check'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { matrixMarket, npz, safetensors, smtx } from '../../packages/formats/test/support/fixtures.ts'
import { listWorkloads } from '../src/operations/index.ts'
import { materialise } from '../src/products/materialise.ts'
import { blockBsr, pruneByMagnitude, unevenCsr, uniformCsr } from '../src/products/patterns.ts'
import { fileWorkload } from '../src/products/stored-weights.ts'
import { fullWorkloads, missingFor, quickWorkloads } from '../src/products/workloads.ts'
import { seededActivations, seededValues } from '../src/random.ts'
import { pointId } from '../src/runner/workload.ts'

const folder = mkdtempSync(join(tmpdir(), 'nnz-workloads-'))
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => void vi.unstubAllEnvs())

const counts = ({ rowOffsets }: Csr | Bsr): number[] =>
  [...rowOffsets].slice(1).map((end, row) => end - rowOffsets[row])
const digest = (...arrays: ArrayBufferView[]): string => {
  const hash = createHash('sha256')
  for (const { buffer, byteOffset, byteLength } of arrays) hash.update(new Uint8Array(buffer, byteOffset, byteLength))
  return hash.digest('hex').slice(0, 16)
}

describe('patterns', () => {
  const options = fc.record({
    m: fc.integer({ min: 1, max: 40 }),
    k: fc.integer({ min: 1, max: 40 }),
    sparsity: fc.oneof(fc.constantFrom(0, 0.5, 1), fc.double({ min: 0, max: 1, noNaN: true })),
    seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  })

  test.each([uniformCsr, unevenCsr])('$name keeps exactly the number asked for', (draw) => {
    fc.assert(
      fc.property(options, ({ m, k, sparsity, seed }) => {
        const w = draw({ m, k, sparsity, seed })
        csr.validate(w)
        expect(w.nnz).toBe(Math.round(m * k * (1 - sparsity)))
        expect(w.values.every((value) => value !== 0 && Math.abs(value) <= 1)).toBe(true)
        expect(draw({ m, k, sparsity, seed }).columnIndices).toEqual(w.columnIndices)
      }),
    )
  })

  test('blockBsr keeps exactly the number of blocks asked for', () => {
    const shape = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }))
    fc.assert(
      fc.property(options, shape, ({ m, k, sparsity, seed }, blockShape) => {
        const w = blockBsr({ m: m * blockShape[0], k: k * blockShape[1], sparsity, seed, blockShape })
        bsr.validate(w)
        expect(w.columnIndices).toHaveLength(Math.round(m * k * (1 - sparsity)))
      }),
    )
    expect(() => blockBsr({ m: 10, k: 8, sparsity: 0.5, seed: 1, blockShape: [4, 4] })).toThrow(
      'whole blocks of 4x4, got 10x8',
    )
  })

  test('are the same bits on every platform', () => {
    const size = { m: 64, k: 96, sparsity: 0.8, seed: 1 }
    const fingerprint = (w: Csr | Bsr): string => digest(w.rowOffsets, w.columnIndices, w.values)
    expect(fingerprint(uniformCsr(size))).toBe('d564dd50adf9dd60')
    expect(fingerprint(unevenCsr(size))).toBe('8c1cc75c325e0a4b')
    expect(fingerprint(blockBsr({ ...size, blockShape: [8, 4] }))).toBe('56d1cd23182e80a3')
    expect(digest(seededActivations(96, 16, 1))).toBe('5b021222ed7b1551')
  })

  test('uniform ones spread over rows and columns, uneven ones do not', () => {
    const size = { m: 400, k: 400, sparsity: 0.9, seed: 5 }
    const spread = (values: readonly number[]): number =>
      Math.max(...values) / (values.reduce((sum, value) => sum + value, 0) / values.length)
    expect(spread(counts(uniformCsr(size)))).toBeLessThan(1.7)
    expect(spread(counts(csr.transpose(uniformCsr(size))))).toBeLessThan(1.7)
    expect(spread(counts(unevenCsr(size)))).toBeGreaterThan(4)
    expect(spread(counts(csr.transpose(unevenCsr(size))))).toBeLessThan(1.7)
    expect(Math.max(...counts(unevenCsr({ ...size, sparsity: 0.3 })))).toBe(400)
  })

  test('values and activations are unrelated and centred', () => {
    const values = seededValues(10_000, 3)
    const activations = seededActivations(100, 100, 3)
    expect(activations.slice(0, 8)).not.toEqual(values.slice(0, 8))
    for (const numbers of [values, activations]) {
      expect(Math.abs(numbers.reduce((sum, value) => sum + value, 0)) / numbers.length).toBeLessThan(0.03)
    }
    const correlation = values.reduce((sum, value, i) => sum + value * activations[i], 0) / values.length
    expect(Math.abs(correlation)).toBeLessThan(0.02)
  })

  test.each([-0.1, 1.1, Number.NaN])('refuse a sparsity of %d', (sparsity) => {
    expect(() => uniformCsr({ m: 2, k: 2, sparsity, seed: 1 })).toThrow(`expected a sparsity in 0..1, got ${sparsity}`)
  })
})

describe('pruning by magnitude', () => {
  test('keeps the largest, of equal ones the first, and never a zero', () => {
    const dense = Float32Array.of(1, -4, 2, 0, -2, 2, 0, 3)
    const kept = (sparsity: number): number[] => [...csr.toDense(pruneByMagnitude(dense, [2, 4], sparsity))]
    expect(kept(0.5)).toEqual([0, -4, 2, 0, -2, 0, 0, 3])
    expect(kept(0.75)).toEqual([0, -4, 0, 0, 0, 0, 0, 3])
    expect(kept(0)).toEqual([...dense])
    expect(kept(1)).toEqual(Array(8).fill(0))
  })

  test('keeps exactly the number asked for', () => {
    const values = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 50 })
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (dense, sparsity) => {
        const w = pruneByMagnitude(Float32Array.from(dense), [1, dense.length], sparsity)
        expect(w.nnz).toBe(Math.round(dense.length * (1 - sparsity)))
      }),
    )
  })
})

describe('the suites', () => {
  const full = fullWorkloads()
  const quick = quickWorkloads()

  test('ids are unique, stable in form, and those of the quick suite are among all', () => {
    const ids = full.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[a-z0-9-]+\/[a-z0-9_-]+\/n\d+\/[a-z0-9-]+$/)
    for (const { id } of quick) expect(ids).toContain(id)
    expect(pointId(quick[0], 0.9)).toBe('bert-base/ffn-up/n128/uniform/0.90')
  })

  test('no shape is measured twice with one pattern', () => {
    const drawn = full.filter(({ pattern }) => pattern.kind === 'uniform')
    expect(new Set(drawn.map(({ m, k, n }) => `${m}x${k}x${n}`)).size).toBe(drawn.length)
    expect(drawn.find(({ id }) => id === 'bert-base/ffn-up/n128/uniform')?.source).toContain(
      'the same in gpt2-small/mlp-up',
    )
  })

  test('cover models, phases and patterns', () => {
    const said = full.map(({ model, source }) => `${model} ${source}`).join('\n')
    for (const model of [
      'bert-base',
      'minilm-l6',
      'vit-b16',
      'gpt2-small',
      'smollm2-135m',
      'llama-2-7b',
      'llama-3-8b',
      'resnet-50',
      'mobilenet-v1',
      'dlmc-transformer',
      'all-minilm-l6-v2',
      'opus-dred',
    ]) {
      expect(said).toContain(model)
    }
    expect(new Set(full.map(({ phase }) => phase))).toEqual(
      new Set(['decode', 'small-batch', 'prefill', 'convolution']),
    )
    expect(new Set(full.map(({ pattern }) => pattern.kind))).toEqual(
      new Set(['uniform', 'uneven', 'block', 'magnitude', 'trained']),
    )
    expect(full.filter(({ pattern, n }) => pattern.kind === 'trained' && n === 1)).toHaveLength(23)
    expect(quick.reduce((points, { sparsities }) => points + sparsities.length, 0)).toBeLessThanOrEqual(12)
  })

  test('a selection narrows and changes them', () => {
    const of = (selection: Partial<Parameters<typeof listWorkloads>[0]>) =>
      listWorkloads({ suite: 'quick', operations: ['spmm'], includeMissing: true, ...selection })
    expect(of({ suite: 'full', matching: ['resnet-50/conv2'] }).map(({ workload }) => workload.id)).toEqual([
      'resnet-50/conv2-reduce/n3136/uniform',
      'resnet-50/conv2-expand/n3136/uniform',
    ])
    for (const { workload } of of({ sparsities: [0.9, 0.1] })) {
      if (workload.anySparsity) expect(workload.sparsities).toEqual([0.1, 0.9])
      else expect(workload.sparsities[0]).toBeCloseTo(0.85, 3)
    }
    expect(() => of({ operations: ['spnm'] })).toThrow('--operations: expected names among spmm')
  })

  test('without the models, workloads that need them are left out and say why', async () => {
    vi.stubEnv('NNZ_CACHE', folder)
    const missing = quick.filter((workload) => missingFor(workload) !== undefined)
    expect(missing.map(({ model }) => model)).toEqual(['all-minilm-l6-v2', 'opus-dred'])
    expect(listWorkloads({ suite: 'quick', operations: ['spmm'] })).toHaveLength(quick.length - 2)
    await expect(materialise(missing[0], 0.9)).rejects.toThrow(
      'is not in the cache: nnz-bench models fetch all-minilm-l6-v2',
    )
  })

  test('every workload that needs no file has the shape and the sparsity that it says', async () => {
    for (const workload of full) {
      if (workload.m * workload.k > 2 ** 19 || ['magnitude', 'trained'].includes(workload.pattern.kind)) continue
      const { weights, sparsity } = await materialise(workload, 0.9)
      expect([weights.layout, ...weights.shape]).toEqual([workload.layout, workload.m, workload.k])
      expect(sparsity).toBeCloseTo(0.9, 3)
    }
  })

  test('weights do not depend on the number of columns', async () => {
    const [one, many] = [1, 128].map((n) => full.find(({ id }) => id === `minilm-l6/ffn-up/n${n}/uniform`)!)
    expect((await materialise(one, 0.9)).weights).toEqual((await materialise(many, 0.9)).weights)
  })
})

describe('a file of the user', () => {
  test.each([
    ['a.smtx', smtx()],
    ['b.mtx', matrixMarket()],
    ['c.npz', npz()],
  ])('%s becomes a workload of its own sparsity', async (name, bytes) => {
    writeFileSync(join(folder, name), bytes)
    const workload = await fileWorkload(join(folder, name), { columns: 16 })
    expect(workload).toMatchObject({ id: `${name}/matrix/n16/file`, m: 4, k: 6, n: 16, sparsities: [0.75] })
    expect(workload.anySparsity).toBe(false)
    const { weights, sparsity } = await materialise(workload, 0.75)
    expect([weights.nnz, sparsity]).toEqual([6, 0.75])
    expect(JSON.stringify([workload.id, workload.model, workload.source])).not.toContain(folder)
  })

  test('a safetensors tensor is pruned', async () => {
    const path = join(folder, 'd.safetensors')
    const data = new Uint8Array(Float32Array.from({ length: 8 }, (_, i) => i - 4).buffer)
    writeFileSync(path, safetensors({ w: { dtype: 'F32', shape: [2, 4], data_offsets: [0, 32] } }, data))
    const workload = await fileWorkload(path, { columns: 1, tensor: 'w', sparsities: [0.75] })
    expect(workload).toMatchObject({ id: 'd.safetensors/w/n1/file', phase: 'decode', m: 2, k: 4, sparsities: [0.75] })
    expect([...csr.toDense((await materialise(workload, 0.75)).weights as Csr)]).toEqual([-4, -3, 0, 0, 0, 0, 0, 0])
    writeFileSync(path, safetensors({ w: { dtype: 'F32', shape: [8], data_offsets: [0, 32] } }, data))
    await expect(fileWorkload(path, { columns: 1, tensor: 'w' })).rejects.toThrow('expected w to be a matrix, got [8]')
  })

  test('an unknown kind of file is refused', async () => {
    await expect(fileWorkload(join(folder, 'x.txt'), { columns: 1 })).rejects.toThrow(
      'x.txt: expected a .smtx, .mtx or .npz file',
    )
  })
})
