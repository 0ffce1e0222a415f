import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bsr, csr, nm } from '@nnz/core'
import { load, writeSafetensors } from '@nnz/core/storage'
import { bytesSource, openSafetensors } from '@nnz/formats'
import { describe, expect, it } from 'vitest'
import { gguf } from '../../formats/test/support/gguf.ts'
import { initialiser, model, node, raw } from '../../formats/test/support/onnx.ts'
import type { FileOptions } from '../src/cli/options.ts'
import { pruneFile } from '../src/cli/prune-file.ts'
import { countsByMagnitude, keptOf, magnitude } from '../src/index.ts'
import { emptyFolder, fileOptions, floats, smallModel } from './support/files.ts'
import { randomLayer } from './support/layers.ts'

const PRUNED = ['layer.0.query.weight', 'layer.0.half.weight', 'layer.1.brain.weight', 'layer.1.double.weight']

function inFolder(bytes: Uint8Array = smallModel(), name = 'in.safetensors'): string {
  const folder = emptyFolder()
  writeFileSync(join(folder, name), bytes)
  return folder
}

const open = (path: string) => openSafetensors(bytesSource(readFileSync(path), 'out'))
const bytesOf = async (file: Awaited<ReturnType<typeof open>>, name: string) => {
  const { data } = await file.readRaw(name)
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

describe('a pruned file', () => {
  it('holds kept weights bit by bit in their own types, everything else as it was, and the input is untouched', async () => {
    const folder = inFolder()
    const report = await pruneFile(fileOptions(folder, { sparsity: 0.5 }))
    expect(readFileSync(join(folder, 'in.safetensors'))).toEqual(Buffer.from(smallModel()))
    const [before, after] = await Promise.all(['in', 'out'].map((name) => open(join(folder, `${name}.safetensors`))))
    expect([...after.tensors.keys()].sort()).toEqual([...before.tensors.keys()].sort())
    for (const [name, { dtype, shape }] of before.tensors) {
      expect(after.tensors.get(name)).toMatchObject({ dtype, shape })
      const [old, now] = await Promise.all([bytesOf(before, name), bytesOf(after, name)])
      if (!PRUNED.includes(name)) {
        expect(now).toEqual(old)
        continue
      }
      const { data } = await before.read(name)
      const { mask } = magnitude({ weights: data, rows: shape[0], columns: shape[1] }, { sparsity: 0.5 })
      const size = old.length / data.length
      expect(now).toEqual(old.map((byte, i) => (mask[Math.floor(i / size)] ? byte : 0)))
    }
    expect(after.metadata.get('format')).toBe('pt')
    expect(after.metadata.get('nnz-prune')).toBe('magnitude unstructured')
    expect(report.layers.map(({ name }) => name).sort()).toEqual([...PRUNED].sort())
    expect(JSON.parse(readFileSync(join(folder, 'out.json'), 'utf8'))).toEqual(report)
    expect(readdirSync(folder).sort()).toEqual(['in.safetensors', 'out.json', 'out.safetensors'])
  })

  it('is reported with counts of each matrix and of all', async () => {
    const report = await pruneFile(fileOptions(inFolder(), { sparsity: 0.75 }))
    const query = report.layers.find(({ name }) => name === 'layer.0.query.weight')
    expect(query).toMatchObject({
      shape: [12, 8],
      dtype: 'F32',
      rows: 12,
      columns: 8,
      nnz: 24,
      sparsity: 0.75,
      error: null,
    })
    expect(query!.weightError).toBeGreaterThan(0.1)
    expect(report.total).toMatchObject({ weights: 448, nnz: 112, sparsity: 0.75 })
    expect(report.copied.toSorted()).toEqual(['embeddings.word.weight', 'ids', 'layer.0.query.bias', 'lm_head.weight'])
    expect(report.leftOut).toEqual([])
    expect(report.input).toMatchObject({ name: 'in.safetensors', format: 'safetensors', bytes: smallModel().length })
    expect(report.input.sha256).toMatch(/^[0-9a-f]{64}$/)
  })

  it('has the exact total by global allocation: the smallest magnitudes of all are gone', async () => {
    const folder = inFolder()
    const report = await pruneFile(fileOptions(folder, { sparsity: 0.8, allocation: 'global' }))
    const before = await open(join(folder, 'in.safetensors'))
    const layers = await Promise.all(
      report.layers.map(async ({ name, rows, columns }) => ({
        rows,
        columns,
        weights: (await before.read(name)).data,
      })),
    )
    expect(report.layers.map(({ nnz }) => nnz)).toEqual(countsByMagnitude(layers, 0.8))
    expect(report.total.nnz).toBe(keptOf(448, 0.8))
  })

  it('includes and excludes by name, embeddings too where they are named', async () => {
    const names = async (options: Partial<FileOptions>) => {
      const report = await pruneFile(fileOptions(inFolder(), { sparsity: 0.5, ...options }))
      return report.layers.map(({ name }) => name).sort()
    }
    expect(await names({ include: ['emb*', '*query*'] })).toEqual(['embeddings.word.weight', 'layer.0.query.weight'])
    expect(await names({ exclude: ['layer.1.*'] })).toEqual(['layer.0.half.weight', 'layer.0.query.weight'])
    await expect(names({ include: ['nothing*'] })).rejects.toThrow(
      /in\.safetensors: of 8 tensors 6 are weight matrices, for example .*; none of them is chosen/,
    )
  })

  it('takes matrices that are [inputs, outputs] the other way round', async () => {
    const folder = inFolder(writeSafetensors([floats('conv1d.weight', [8, 6], 1)]))
    const pattern = { kind: 'nm', n: 2, m: 4 } as const
    const report = await pruneFile(fileOptions(folder, { pattern, transposed: ['conv1d*'] }))
    expect(report.layers[0]).toMatchObject({ shape: [8, 6], rows: 6, columns: 8, nnz: 24 })
    const { data } = await (await open(join(folder, 'out.safetensors'))).read('conv1d.weight')
    for (let output = 0; output < 6; output++) {
      const column = Array.from({ length: 8 }, (_, input) => data[input * 6 + output])
      for (const group of [column.slice(0, 4), column.slice(4)])
        expect(group.filter((value) => value !== 0).length).toBe(2)
    }
  })

  it('can be made of GGUF: blocks become F32', async () => {
    const blocks = Uint8Array.from({ length: 4 * 18 }, (_, i) =>
      i % 18 === 1 ? 0x3c : i % 18 === 0 ? 0 : (i * 89) % 256,
    )
    const bytes = gguf(
      { 'general.architecture': 'llama', 'llama.block_count': 2, 'tokenizer.ggml.tokens': ['a', 'b'] },
      [
        { name: 'blk.0.attn_q.weight', type: 2, shape: [4, 32], data: blocks },
        { name: 'token_embd.weight', type: 0, shape: [2, 2], data: new Uint8Array(16) },
        { name: 'blk.0.attn_norm.weight', type: 0, shape: [4], data: new Uint8Array(16) },
      ],
    )
    const folder = inFolder(bytes, 'in.gguf')
    const report = await pruneFile(fileOptions(folder, { input: join(folder, 'in.gguf'), sparsity: 0.5 }))
    expect(report.layers).toMatchObject([{ name: 'blk.0.attn_q.weight', dtype: 'Q4_0', nnz: 64 }])
    const after = await open(join(folder, 'out.safetensors'))
    expect(after.tensors.get('blk.0.attn_q.weight')).toMatchObject({ dtype: 'F32', shape: [4, 32] })
    expect(after.tensors.size).toBe(3)
    expect(Object.fromEntries(after.metadata)).toMatchObject({
      'general.architecture': 'llama',
      'llama.block_count': '2',
      gguf: '{"general.architecture":"llama","llama.block_count":2,"tokenizer.ggml.tokens":["a","b"]}',
    })
  })

  it('can be made of ONNX: weights of products, each along its inputs', async () => {
    const weights = (rows: number, columns: number, seed: number) => raw(randomLayer(rows, columns, seed).weights)
    const bytes = model(
      node('MatMul', ['x', 'onnx::MatMul_1']),
      node('Gemm', ['y', 'fc'], { transB: 1 }),
      node('Gather', ['table', 'i']),
      initialiser('onnx::MatMul_1', 1, [8, 6], weights(8, 6, 1)),
      initialiser('fc', 1, [6, 8], weights(6, 8, 2)),
      initialiser('table', 1, [6, 8], weights(6, 8, 3)),
      initialiser('texts', 8, [2]),
    )
    const folder = inFolder(bytes, 'in.onnx')
    const pattern = { kind: 'nm', n: 1, m: 4 } as const
    const report = await pruneFile(fileOptions(folder, { input: join(folder, 'in.onnx'), pattern }))
    expect(report.layers).toMatchObject([
      { name: 'onnx::MatMul_1', shape: [8, 6], rows: 6, columns: 8, nnz: 12 },
      { name: 'fc', shape: [6, 8], rows: 6, columns: 8, nnz: 12 },
    ])
    expect(report.copied).toEqual(['table'])
    expect(report.leftOut).toEqual(['texts'])
  })
})

describe('sparse output', () => {
  it.each([
    [{ pattern: { kind: 'unstructured' }, sparsity: 0.7 }, 'csr', csr.toDense],
    [{ pattern: { kind: 'nm', n: 1, m: 4 } }, 'nm', nm.toDense],
    [{ pattern: { kind: 'block', height: 4, width: 4 }, sparsity: 0.5 }, 'bsr', bsr.toDense],
    [{ pattern: { kind: 'column-vector', height: 4 }, sparsity: 0.5 }, 'bsr', bsr.toDense],
  ] as const)('of %j is %s, with the weights of the dense one', async (options, layout, toDense) => {
    const folder = inFolder()
    await pruneFile(fileOptions(folder, options))
    const output = join(folder, 'sparse.safetensors')
    const report = await pruneFile(fileOptions(folder, { ...options, sparse: true, output, report: `${output}.json` }))
    const { weights } = load(readFileSync(output))
    const whole = await open(join(folder, 'out.safetensors'))
    for (const name of PRUNED) {
      const stored = weights.get(name)
      expect(stored).toMatchObject({ layout })
      expect(toDense(stored as never)).toEqual((await whole.read(name)).data)
    }
    expect(weights.get('layer.0.query.bias')).toMatchObject({ shape: [12] })
    expect(report.leftOut).toEqual(['ids'])
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([])
  })
})

describe('an interrupted run', () => {
  const settings = { sparsity: 0.6, allocation: 'erk' } as const
  const interrupted = (folder: string, after: number) =>
    pruneFile(
      fileOptions(folder, {
        ...settings,
        onProgress({ done }) {
          if (done === after) throw new Error('power cut')
        },
      }),
    )

  it('goes on behind the last finished matrix, to the same bytes', async () => {
    const whole = inFolder()
    await pruneFile(fileOptions(whole, settings))
    for (const after of [0, 1, 3, 4]) {
      const folder = inFolder()
      await expect(interrupted(folder, after)).rejects.toThrow('power cut')
      expect(existsSync(join(folder, 'out.safetensors'))).toBe(false)
      const told: number[] = []
      const first: number[] = []
      const report = await pruneFile(
        fileOptions(folder, {
          ...settings,
          onProgress({ done, resumed, last }) {
            told.push(done)
            first.push(resumed)
            if (!last) expect(done).toBe(after)
          },
        }),
      )
      expect(told).toEqual(Array.from({ length: 5 - after }, (_, i) => after + i))
      expect(new Set(first)).toEqual(new Set([after]))
      expect(report.layers.length).toBe(4)
      expect(readFileSync(join(folder, 'out.safetensors'))).toEqual(readFileSync(join(whole, 'out.safetensors')))
      expect(readdirSync(folder).sort()).toEqual(['in.safetensors', 'out.json', 'out.safetensors'])
    }
  })

  it('goes on where a line was cut off', async () => {
    const folder = inFolder()
    await expect(interrupted(folder, 2)).rejects.toThrow('power cut')
    const journal = join(folder, 'out.safetensors.partial.journal')
    writeFileSync(journal, `${readFileSync(journal, 'utf8')}{"name":"layer.1`)
    const report = await pruneFile(fileOptions(folder, settings))
    expect(report.layers.every(({ nnz }) => nnz > 0)).toBe(true)
  })

  it('that left a journal alone had come to its end', async () => {
    const folder = inFolder()
    writeFileSync(join(folder, 'out.safetensors.partial.journal'), '{"run":{}}\n')
    await pruneFile(fileOptions(folder, settings))
    expect(readdirSync(folder).sort()).toEqual(['in.safetensors', 'out.json', 'out.safetensors'])
  })

  it('is not gone on with for other options, another input or a damaged journal, but discarded if that is asked for', async () => {
    const folder = inFolder()
    const journal = join(folder, 'out.safetensors.partial.journal')
    await expect(interrupted(folder, 2)).rejects.toThrow('power cut')
    const other = fileOptions(folder, { ...settings, sparsity: 0.5 })
    await expect(pruneFile(other)).rejects.toThrow(
      /out\.safetensors\.partial\.journal: another run left this.*--restart/,
    )
    writeFileSync(join(folder, 'in.safetensors'), writeSafetensors([floats('w', [4, 4], 1)]))
    await expect(pruneFile(fileOptions(folder, settings))).rejects.toThrow('another run left this')
    writeFileSync(journal, 'PK\n')
    await expect(pruneFile(fileOptions(folder, settings))).rejects.toThrow('this is no journal of nnz-prune')
    expect((await pruneFile({ ...other, restart: true })).total.nnz).toBe(8)
  })
})

describe('pruneFile refuses', () => {
  it('to write over what is there, or over its input by any name', async () => {
    const folder = inFolder()
    const options = fileOptions(folder, { sparsity: 0.5 })
    writeFileSync(options.report, 'mine')
    await expect(pruneFile(options)).rejects.toThrow(/out\.json: exists already; --force replaces it/)
    expect(readFileSync(options.report, 'utf8')).toBe('mine')
    expect((await pruneFile({ ...options, force: true })).layers.length).toBe(4)
    symlinkSync(options.input, join(folder, 'link.safetensors'))
    for (const output of [options.input, join(folder, 'link.safetensors'), options.report])
      await expect(pruneFile({ ...options, output, force: true })).rejects.toThrow('would be written over')
    const missing = join(folder, 'none', 'out.safetensors')
    await expect(pruneFile({ ...options, output: missing })).rejects.toThrow('there is no folder')
  })

  it('damaged files, by their name and the byte, and leaves nothing behind', async () => {
    for (const [bytes, message] of [
      [smallModel().subarray(0, 5), /^in\.safetensors: at byte 0: /],
      [smallModel().subarray(0, 2000), /^in\.safetensors: at byte \d+: /],
      [Uint8Array.from({ length: 64 }, (_, i) => i), /^in\.safetensors: at byte 0: expected a safetensors, GGUF, ONNX/],
      [new Uint8Array(), /^in\.safetensors: at byte 0: /],
    ] as const) {
      const folder = inFolder(bytes)
      await expect(pruneFile(fileOptions(folder, { sparsity: 0.5 }))).rejects.toThrow(message)
      expect(readdirSync(folder)).toEqual(['in.safetensors'])
    }
  })

  it('weights that are not finite, by the tensor', async () => {
    const tensor = floats('broken.weight', [4, 4], 1)
    ;(tensor.data as Float32Array)[6] = Number.POSITIVE_INFINITY
    const folder = inFolder(writeSafetensors([tensor]))
    await expect(pruneFile(fileOptions(folder, { sparsity: 0.5 }))).rejects.toThrow(
      'in.safetensors: broken.weight: row 1, column 2: expected a finite weight, got Infinity',
    )
    expect(existsSync(join(folder, 'out.safetensors'))).toBe(false)
  })

  it.each([
    [{}, 'expected --sparsity'],
    [{ sparsity: 2 }, 'expected a sparsity in 0..1, got 2'],
    [{ sparsity: 0.5, pattern: { kind: 'nm', n: 2, m: 4 } }, '2:4 has its own sparsity'],
    [{ allocation: 'erk', pattern: { kind: 'nm', n: 2, m: 4 } }, 'leave --allocation out'],
    [{ sparsity: 0.5, method: 'wanda' }, 'wanda needs text to calibrate with: --text <file>'],
    [{ sparsity: 0.5, allocation: 'sensitivity' }, 'allocation by sensitivity needs text'],
    [{ sparsity: 0.5, quantise: { bits: 4 } }, '--quantise is for sparsegpt'],
  ] as [Partial<FileOptions>, string][])('the options %j', async (options, message) => {
    const folder = inFolder()
    await expect(pruneFile(fileOptions(folder, options))).rejects.toThrow(message)
    expect(readdirSync(folder)).toEqual(['in.safetensors'])
  })
})
