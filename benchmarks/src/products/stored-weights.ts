import { readFile } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import type { Bsr, Csr } from '@nnz/core'
import { openSafetensors, readMatrixMarket, readSmtx, readSparseNpz } from '@nnz/formats'
import { fileSource } from '@nnz/formats/node'
import { modelFile } from '../models/index.ts'
import { seededValues } from '../random.ts'
import { readOpusLayers } from '../readers/index.ts'
import { pruneByMagnitude } from './patterns.ts'
import { createWorkload, type Pattern, type ProductWorkload } from './workload.ts'
import { missingFor } from './workloads.ts'

/** Which matrix of a file becomes a workload. */
export interface FileWorkloadOptions {
  /** Columns of X. */
  readonly columns: number
  /** The tensor of a safetensors file. */
  readonly tensor?: string
  /** To which a tensor is pruned; a sparse file has its own. */
  readonly sparsities?: readonly number[]
}

/**
 * A workload from a file of the user's: `.smtx`, `.mtx`, `.npz` as SciPy saves CSR, or a two-dimensional tensor of a
 * `.safetensors` file, pruned by magnitude. Its id and source hold the file's name, never its folder.
 *
 * @throws FileFormatError where the file is damaged; RangeError for other files or shapes.
 */
export async function fileWorkload(
  path: string,
  { columns, tensor, sparsities = [0.5, 0.7, 0.9, 0.95] }: FileWorkloadOptions,
): Promise<ProductWorkload> {
  const name = basename(path)
  const own = tensor === undefined ? await readSparseFile(path, 1) : undefined
  const [m, k] = own?.shape ?? (await readMatrixTensor(path, tensor ?? '')).shape
  return createWorkload({
    model: name,
    layer: tensor ?? 'matrix',
    source: tensor === undefined ? `file ${name}` : `file ${name}, tensor ${tensor}`,
    phase: columns === 1 ? 'decode' : 'prefill',
    m,
    k,
    n: columns,
    layout: 'csr',
    pattern: { kind: 'file', path, tensor: tensor ?? null },
    sparsities: own ? [1 - own.nnz / (m * k)] : sparsities,
  })
}

/** Where weights of a workload are stored. */
export type StoredPattern = Extract<Pattern, { kind: 'magnitude' | 'trained' | 'file' }>

/** Reads the weights of a model in the cache, or of the user's file. */
export async function readStoredWeights(
  workload: ProductWorkload,
  pattern: StoredPattern,
  sparsity: number,
): Promise<Csr | Bsr> {
  switch (pattern.kind) {
    case 'magnitude':
      return readPruned(cached(workload, pattern), pattern.tensor, sparsity)
    case 'trained':
      return readTrained(cached(workload, pattern), pattern.layer)
    case 'file':
      return pattern.tensor === null
        ? readSparseFile(pattern.path, workload.seed)
        : readPruned(pattern.path, pattern.tensor, sparsity)
  }
}

function cached(workload: ProductWorkload, { model, file }: { model: string; file: string }): string {
  const path = modelFile(model, file)
  if (path === undefined) throw new Error(`${workload.id}: ${missingFor(workload)}`)
  return path
}

async function readTrained(path: string, layer: string): Promise<Bsr> {
  const found = readOpusLayers(await readFile(path), basename(path)).find(({ name }) => name === layer)
  if (!found) throw new RangeError(`${basename(path)}: there is no sparse layer ${layer}`)
  return found.weights
}

async function readPruned(path: string, tensor: string, sparsity: number): Promise<Csr> {
  const { data, shape } = await readMatrixTensor(path, tensor)
  return pruneByMagnitude(data, shape, sparsity)
}

async function readMatrixTensor(path: string, name: string): Promise<{ data: Float32Array; shape: [number, number] }> {
  const file = await openSafetensors(await fileSource(path))
  try {
    const { data, shape } = await file.read(name)
    if (shape.length !== 2)
      throw new RangeError(`${basename(path)}: expected ${name} to be a matrix, got [${shape.join(', ')}]`)
    return { data, shape: [shape[0], shape[1]] }
  } finally {
    await file.close()
  }
}

async function readSparseFile(path: string, seed: number): Promise<Csr> {
  const values = (count: number) => seededValues(count, seed)
  switch (extname(path).toLowerCase()) {
    case '.smtx':
      return readSmtx(await fileSource(path), { values })
    case '.mtx':
      return readMatrixMarket(await fileSource(path), { values })
    case '.npz':
      return readSparseNpz(await fileSource(path))
    default:
      throw new RangeError(`${basename(path)}: expected a .smtx, .mtx or .npz file, or a tensor of a .safetensors file`)
  }
}
