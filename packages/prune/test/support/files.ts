import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type WrittenTensor, writeSafetensors } from '@nnz/core/storage'
import { fromFloats } from '@nnz/formats'
import { afterAll } from 'vitest'
import type { FileOptions } from '../../src/cli/options.ts'
import { randomLayer } from './layers.ts'

const folders: string[] = []

/** An empty folder that goes when the tests of a file are over. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nnz-prune-'))
  folders.push(folder)
  return folder
}

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A tensor of random numbers in a floating point type. */
export function floats(
  name: string,
  shape: readonly number[],
  seed: number,
  dtype: 'F64' | 'F32' | 'F16' | 'BF16' = 'F32',
): WrittenTensor {
  const count = shape.reduce((product, extent) => product * extent, 1)
  return { name, dtype, shape, data: fromFloats(randomLayer(1, count, seed).weights, dtype) }
}

/** A small model with a matrix of each type, and what is not to be pruned. */
export function smallModel(): Uint8Array {
  return writeSafetensors(
    [
      floats('embeddings.word.weight', [10, 8], 1),
      floats('layer.0.query.weight', [12, 8], 2),
      floats('layer.0.query.bias', [12], 3),
      floats('layer.0.half.weight', [8, 12], 4, 'F16'),
      floats('layer.1.brain.weight', [16, 8], 5, 'BF16'),
      floats('layer.1.double.weight', [8, 16], 6, 'F64'),
      floats('lm_head.weight', [10, 8], 7),
      { name: 'ids', dtype: 'I64', shape: [1, 4], data: BigInt64Array.of(0n, 1n, 2n, 3n) },
    ],
    { format: 'pt' },
  )
}

/** Options with everything that the command line fills in. */
export function fileOptions(folder: string, options: Partial<FileOptions>): FileOptions {
  return {
    input: join(folder, 'in.safetensors'),
    output: join(folder, 'out.safetensors'),
    report: join(folder, 'out.json'),
    method: 'magnitude',
    pattern: { kind: 'unstructured' },
    allocation: 'uniform',
    include: [],
    exclude: [],
    transposed: [],
    sparse: false,
    force: false,
    restart: false,
    ...options,
  }
}
