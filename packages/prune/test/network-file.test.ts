import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeSafetensors } from '@nnz/core/storage'
import { bytesSource, fromFloats, openSafetensors } from '@nnz/formats'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { gguf } from '../../formats/test/support/gguf.ts'
import type { FileOptions } from '../src/cli/options.ts'
import { pruneFile } from '../src/cli/prune-file.ts'
import { pruneNetwork } from '../src/index.ts'
import { emptyFolder, fileOptions, floats } from './support/files.ts'
import { ToyNetwork } from './support/network.ts'

/** What the mock of @nnz/models was asked for. */
const asked: { path: string; calibration: readonly unknown[] }[] = []

/** Opens any file as the toy network, and remembers what it is calibrated with. */
function loader() {
  return {
    load: async (path: string) => ({
      tokenizer: { encode: (text: string) => Array.from(text, (_, i) => i) },
      prunable(calibration: readonly unknown[]) {
        asked.push({ path, calibration })
        return new ToyNetwork()
      },
    }),
  }
}

vi.mock('@nnz/models', () => ({ Encoder: loader(), Decoder: loader() }))

beforeEach(() => {
  asked.length = 0
})

/** A file with the toy network's layers as a checkpoint names them, and a matrix that no layer has. */
function toyFolder(dtype: 'F32' | 'BF16' = 'F32'): string {
  const folder = emptyFolder()
  const network = new ToyNetwork()
  const tensors = network.layers.map(({ name, rows, columns, weights }) => ({
    name: name === 'b' ? `bert.${name}.weight` : `${name}.weight`,
    dtype,
    shape: [rows, columns],
    data: fromFloats(weights, dtype),
  }))
  writeFileSync(join(folder, 'in.safetensors'), writeSafetensors([...tensors, floats('pooler.weight', [4, 4], 1)]))
  const lines = Array.from({ length: 40 }, (_, i) => `${i}: a line that is long enough to be calibrated with`)
  writeFileSync(join(folder, 'text.txt'), `\n${lines.join('\n \n')}\n`)
  return folder
}

const settings = (folder: string, options: Partial<FileOptions> = {}) =>
  fileOptions(folder, { method: 'wanda', sparsity: 0.6, text: join(folder, 'text.txt'), ...options })

describe('a file that is pruned as a network', () => {
  it.each(['wanda', 'dsnot', 'sparsegpt', 'magnitude'] as const)(
    'has by %s the weights of the pruned network, and errors in its report',
    async (method) => {
      const folder = toyFolder()
      const report = await pruneFile(settings(folder, { method }))
      const network = new ToyNetwork()
      const expected = await pruneNetwork(network, { method, sparsity: 0.6 })
      const output = await openSafetensors(bytesSource(readFileSync(join(folder, 'out.safetensors'))))
      for (const [i, layer] of network.layers.entries()) {
        const entry = [...output.tensors.keys()].find((name) => name.endsWith(`${layer.name}.weight`))!
        expect((await output.read(entry)).data).toEqual(layer.weights)
        expect(report.layers.find(({ name }) => name === entry)).toMatchObject({
          error: expected.layers[i].error,
          method,
        })
      }
      expect(report.copied).toEqual(['pooler.weight'])
      // Empty lines are left out, and the others are spread over the text.
      expect(asked).toEqual([{ path: join(folder, 'in.safetensors'), calibration: expect.any(Array) }])
      expect(asked[0].calibration.length).toBe(40)
    },
  )

  it('goes on to the same halves, which later layers see as they are stored', async () => {
    const [whole, folder] = [toyFolder('BF16'), toyFolder('BF16')]
    await pruneFile(settings(whole, { method: 'sparsegpt' }))
    const stop = ({ done }: { done: number }) => {
      if (done === 2) throw new Error('power cut')
    }
    await expect(pruneFile(settings(folder, { method: 'sparsegpt', onProgress: stop }))).rejects.toThrow('power cut')
    await pruneFile(settings(folder, { method: 'sparsegpt' }))
    const [a, b] = [whole, folder].map((each) => readFileSync(join(each, 'out.safetensors')))
    expect(a).toEqual(b)
  })

  it('goes on with the layers that an interrupted run had not finished, on inputs that the finished ones give', async () => {
    const [whole, folder] = [toyFolder(), toyFolder()]
    await pruneFile(settings(whole, { method: 'dsnot' }))
    const stop = ({ done }: { done: number }) => {
      if (done === 2) throw new Error('power cut')
    }
    await expect(pruneFile(settings(folder, { method: 'dsnot', onProgress: stop }))).rejects.toThrow('power cut')
    const told: number[] = []
    await pruneFile(settings(folder, { method: 'dsnot', onProgress: ({ done }) => void told.push(done) }))
    expect(told).toEqual([2, 3])
    const [a, b] = [whole, folder].map((each) => readFileSync(join(each, 'out.safetensors')))
    expect(a).toEqual(b)
    writeFileSync(join(folder, 'text.txt'), 'another text, which would give other weights')
    const again = settings(folder, { method: 'dsnot', force: true, onProgress: stop })
    await expect(pruneFile(again)).rejects.toThrow('power cut')
    writeFileSync(join(folder, 'text.txt'), 'yet another text, which would give other weights')
    await expect(pruneFile({ ...again, onProgress: undefined })).rejects.toThrow('another run left this')
  })

  it('takes so many lines of the text, evenly spread, or windows of tokens for a decoder', async () => {
    const folder = toyFolder()
    await pruneFile(settings(folder, { samples: 4 }))
    expect(asked[0].calibration).toEqual([0, 10, 20, 30].map((i) => expect.stringMatching(new RegExp(`^${i}: `))))
    const layers = new ToyNetwork().layers
    const tensors = layers.map(({ name, rows, columns, weights }) => ({
      name: `${name}.weight`,
      type: 0,
      shape: [rows, columns],
      data: new Uint8Array(weights.buffer),
    }))
    writeFileSync(join(folder, 'in.gguf'), gguf({}, tensors))
    const options = {
      input: join(folder, 'in.gguf'),
      output: join(folder, 'decoder.safetensors'),
      report: join(folder, 'r'),
    }
    await pruneFile(settings(folder, { ...options, samples: 3 }))
    const windows = asked[1].calibration as number[][]
    expect(windows.map(({ length }) => length)).toEqual([256, 256, 256])
    expect(windows.map(([first]) => first)).toEqual([0, 2, 5].map((i) => i * 256))
  })

  it('is refused where a named matrix is no layer, text is too short, or the format is not run', async () => {
    const folder = toyFolder()
    const named = settings(folder, { include: ['pooler*'] })
    await expect(pruneFile(named)).rejects.toThrow('in.safetensors: pooler.weight is no linear layer of the network')
    await expect(pruneFile(settings(folder, { exclude: ['?.weight', 'bert*'] }))).rejects.toThrow(
      'none of the chosen tensors',
    )
    writeFileSync(join(folder, 'text.txt'), '\n \n')
    await expect(pruneFile(settings(folder))).rejects.toThrow('text.txt: every line is empty')
    writeFileSync(join(folder, 'in.gguf'), gguf({}, [{ name: 'w', type: 0, shape: [2, 2], data: new Uint8Array(16) }]))
    writeFileSync(join(folder, 'text.txt'), 'short\n')
    const decoder = settings(folder, { input: join(folder, 'in.gguf') })
    await expect(pruneFile(decoder)).rejects.toThrow(/text\.txt: has 6 tokens, expected at least 256/)
  })

  it('says what to install where @nnz/models is missing', async () => {
    vi.doMock('@nnz/models', () => {
      throw new Error('cannot be found')
    })
    vi.resetModules()
    const { pruneFile } = await import('../src/cli/prune-file.ts')
    const missing = 'run the network by @nnz/models, which cannot be loaded: npm install @nnz/models'
    await expect(pruneFile(settings(toyFolder()))).rejects.toThrow(missing)
  })
})
