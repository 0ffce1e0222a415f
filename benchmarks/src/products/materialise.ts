import { readFile } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import type { Bsr, Csr } from '@nnz/core'
import { modelFile } from '../models/index.ts'
import { openSafetensors, readMatrixMarket, readNpz, readOpusLayers, readSmtx } from '../readers/index.ts'
import { blockBsr, pruneByMagnitude, unevenCsr, uniformCsr } from './patterns.ts'
import { createWorkload, type ProductWorkload } from './workload.ts'
import { missingFor } from './workloads.ts'

/** The data of a workload at one sparsity. */
export interface Operands {
  readonly weights: Csr | Bsr
  /** Share of elements that are not stored; the elements of kept blocks are all stored. */
  readonly sparsity: number
}

/**
 * Makes the weights of a workload, always the same ones. `sparsity` is not looked at where the weights are sparse
 * already.
 *
 * @throws Error where a model or file is missing; FileFormatError where it is damaged; RangeError for a bad sparsity.
 */
export async function materialise(workload: ProductWorkload, sparsity: number): Promise<Operands> {
  const { m, k } = workload
  const weights = await makeWeights(workload, sparsity)
  if (weights.shape[0] !== m || weights.shape[1] !== k) {
    throw new RangeError(`${workload.id}: expected weights of ${m}x${k}, got ${weights.shape.join('x')}`)
  }
  return { weights, sparsity: 1 - weights.nnz / (m * k) }
}

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

async function makeWeights(workload: ProductWorkload, sparsity: number): Promise<Csr | Bsr> {
  const { m, k, seed, pattern } = workload
  const options = { m, k, sparsity, seed }
  switch (pattern.kind) {
    case 'uniform':
      return uniformCsr(options)
    case 'uneven':
      return unevenCsr(options)
    case 'nm':
      throw new RangeError(`${workload.id}: N:M weights are made by makeNmTask`)
    case 'block':
      return blockBsr({ ...options, blockShape: pattern.blockShape })
    case 'magnitude':
      return readPruned(cached(workload, pattern), pattern.tensor, sparsity)
    case 'trained':
      return readTrained(cached(workload, pattern), pattern.layer)
    case 'file':
      return pattern.tensor === null
        ? readSparseFile(pattern.path, seed)
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
  const file = await openSafetensors(path)
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
  const name = basename(path)
  switch (extname(path).toLowerCase()) {
    case '.smtx':
      return readSmtx(await readFile(path), name, { seed })
    case '.mtx':
      return readMatrixMarket(await readFile(path), name, { seed })
    case '.npz':
      return readNpz(await readFile(path), name)
    default:
      throw new RangeError(`${name}: expected a .smtx, .mtx or .npz file, or a tensor of a .safetensors file`)
  }
}
